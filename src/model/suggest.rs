//! Did you mean: the nearest of the words that are allowed.

/// The candidate nearest to `text`, when it is near enough to be meant.
pub fn nearest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = folded(text);
    candidates
        .into_iter()
        .filter_map(|candidate| Some((nearness(&wanted, &folded(candidate))?, candidate)))
        .min()
        .map(|(_, candidate)| candidate)
}

/// ` (did you mean `x`?)`, or nothing.
pub fn did_you_mean<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(text, candidates).map_or_else(String::new, |it| format!(" (did you mean `{it}`?)"))
}

/// `A, B or C`.
pub fn one_of(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [before @ .., last] => format!("{} or {last}", before.join(", ")),
    }
}

/// Case and separators are what people get wrong most.
fn folded(text: &str) -> String {
    text.chars().filter(|c| !"-_ ".contains(*c)).flat_map(char::to_lowercase).take(64).collect()
}

/// Edits, if they are few. A beginning is near, too: people leave out `Config`, as AWS does in its
/// answers.
fn nearness(one: &str, other: &str) -> Option<usize> {
    const TELLING: usize = 4;
    const BEGINNING: usize = 2;
    let edits = distance(one, other);
    if one.len() >= TELLING && other.starts_with(one) {
        return Some(edits.min(BEGINNING));
    }
    let limit = (one.chars().count() / 3).clamp(1, 3);
    (edits <= limit).then_some(edits)
}

/// Edits between two texts; two neighbours that changed places are one edit.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut rows = vec![vec![0; other.len() + 1]; one.len() + 1];
    for i in 0..=one.len() {
        for j in 0..=other.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let is_same = one[i - 1] == other[j - 1];
                let swap =
                    i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1];
                let edit = (rows[i - 1][j].min(rows[i][j - 1]) + 1)
                    .min(rows[i - 1][j - 1] + usize::from(!is_same));
                if swap { edit.min(rows[i - 2][j - 2] + 1) } else { edit }
            };
        }
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_near_is_suggested() {
        let types = ["HATE", "INSULTS", "PROMPT_ATTACK"];
        for (text, expected) in [
            ("HAET", Some("HATE")),
            ("prompt-attack", Some("PROMPT_ATTACK")),
            ("INSULT", Some("INSULTS")),
            ("INSULTING", Some("INSULTS")), // Three edits of nine.
            ("PROMPT", Some("PROMPT_ATTACK")),
            ("VIOLENCE", None),
            ("", None),
        ] {
            assert_eq!(nearest(text, types), expected, "{text}");
        }
    }
}
