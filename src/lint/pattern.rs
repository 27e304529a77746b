//! IAM's wildcards.

/// Whether `text` matches an IAM pattern: `*` is any run of characters, `?` any one.
pub(super) fn like(pattern: &str, text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    // Which beginnings of the text the pattern so far can have taken.
    let mut taken = vec![false; text.len() + 1];
    if let Some(nothing) = taken.first_mut() {
        *nothing = true;
    }
    for wanted in pattern.chars() {
        let mut next = vec![false; text.len() + 1];
        let mut is_reached = false;
        for (at, was) in taken.iter().enumerate() {
            if wanted == '*' {
                is_reached |= was;
                if let Some(it) = next.get_mut(at) {
                    *it = is_reached;
                }
            } else if *was
                && text.get(at).is_some_and(|c| wanted == '?' || wanted == *c)
                && let Some(it) = next.get_mut(at + 1)
            {
                *it = true;
            }
        }
        taken = next;
    }
    taken.last().copied().unwrap_or_default()
}

/// Whether a text has a wildcard.
pub(super) fn has_wildcard(text: &str) -> bool {
    // `${*}` and its like are the way to write these characters themselves.
    let plain = text.replace("${*}", "").replace("${?}", "");
    plain.contains(['*', '?'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_take_any_run_and_question_marks_one() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("bedrock:*", "bedrock:InvokeModel", true),
            ("bedrock:Invoke*", "bedrock:InvokeModel", true),
            ("bedrock:*Stream", "bedrock:InvokeModel", false),
            ("a*b*c", "a-x-b-y-c", true),
            ("a*b*c", "a-x-b-y", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("abc", "abcd", false),
            ("*aab", "aaaab", true),
        ] {
            assert_eq!(like(pattern, text), expected, "{pattern} against {text}");
        }
        assert!(has_wildcard("a*") && !has_wildcard("a${*}"));
    }
}
