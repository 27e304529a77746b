//! IAM patterns, against a text and against every text with a given beginning.

use super::truth::Truth;

/// Longer than any name and path of a role (512 and 64 characters).
const LONG: usize = 600;

/// A character that no ARN holds: only `*` and `?` match it.
const FOREIGN: char = '\u{1}';

/// Whether `text` matches an IAM pattern: `*` is any run of characters, `?` any one.
pub(in crate::plan) fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut from) = (0, 0);
    // Where to go back to when a run was taken too short.
    let mut retry: Option<(usize, usize)> = None;
    while from < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                retry = Some((at + 1, from));
                at += 1;
            }
            Some(b'?') => (at, from) = (at + 1, from + 1),
            Some(byte) if Some(byte) == text.get(from) => (at, from) = (at + 1, from + 1),
            Some(_) | None => match retry {
                Some((after_star, taken)) => {
                    (at, from) = (after_star, taken + 1);
                    retry = Some((after_star, taken + 1));
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|byte| *byte == b'*')
}

/// Whether the texts that begin with `prefix`, and go on with at least one character but no colon,
/// match: all of them (True), none (False), or some (Unknown). Names of roles have no colon, and a
/// path with one would be a curiosity.
pub(super) fn like_any_after(pattern: &str, prefix: &str) -> Truth {
    let after = |count: usize| format!("{prefix}{}", FOREIGN.to_string().repeat(count));
    // What matches a foreign character matches every one; what matches one and very many of them
    // matches any number.
    if like(pattern, &after(1)) && like(pattern, &after(LONG)) {
        Truth::True
    } else if may_go_on(pattern, prefix) {
        Truth::Unknown
    } else {
        Truth::False
    }
}

/// Whether a text that begins with `prefix` and goes on can match: the places in the pattern at
/// which `prefix` can end, and something left there to match the rest.
fn may_go_on(pattern: &str, prefix: &str) -> bool {
    let pattern = pattern.as_bytes();
    // Behind a star, one may stand at the star and beyond it.
    let spread = |places: &mut Vec<bool>| {
        for (at, byte) in pattern.iter().enumerate() {
            if *byte == b'*'
                && places.get(at) == Some(&true)
                && let Some(next) = places.get_mut(at + 1)
            {
                *next = true;
            }
        }
    };
    let mut places = vec![false; pattern.len() + 1];
    if let Some(first) = places.first_mut() {
        *first = true;
    }
    spread(&mut places);
    for byte in prefix.bytes() {
        let mut next = vec![false; pattern.len() + 1];
        for (at, wanted) in pattern.iter().enumerate() {
            if places.get(at) != Some(&true) {
                continue;
            }
            let to = match *wanted {
                b'*' => at,
                it if it == b'?' || it == byte => at + 1,
                _ => continue,
            };
            if let Some(place) = next.get_mut(to) {
                *place = true;
            }
        }
        spread(&mut next);
        places = next;
    }
    // At the very end of the pattern nothing more can follow; and what follows has no colon.
    let rests = (0..pattern.len()).filter(|at| places.get(*at) == Some(&true));
    rests.filter_map(|at| pattern.get(at..)).any(|rest| !rest.contains(&b':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_all_some_or_no_texts_with_a_beginning() {
        let prefix = "arn:aws:iam::111122223333:role/";
        let rows = [
            ("*", Truth::True),
            ("arn:*", Truth::True),
            ("arn:aws:iam::*:role/*", Truth::True),
            ("arn:aws:iam::111122223333:role/?*", Truth::True),
            ("arn:aws:iam::111122223333:role/Break*", Truth::Unknown),
            ("arn:aws:iam::*:role/BreakGlass", Truth::Unknown),
            ("*BreakGlass", Truth::Unknown),
            ("arn:aws:iam::111122223333:role/?", Truth::Unknown),
            ("arn:aws:iam::111122223333:role/", Truth::False),
            ("arn:aws:iam::999999999999:role/*", Truth::False),
            ("arn:aws:iam::*:root", Truth::False),
            ("arn:aws:iam::*:user/*", Truth::False),
            ("", Truth::False),
        ];
        for (pattern, expected) in rows {
            assert_eq!(like_any_after(pattern, prefix), expected, "{pattern}");
        }
    }

    #[test]
    fn stars_and_question_marks_match_as_iam_says() {
        let rows = [
            ("*", "", true),
            ("a*b*c", "a-x-b-y-c", true),
            ("a*b*c", "a-x-b-y", false),
            ("a?c", "ac", false),
            ("*aab", "aaaab", true),
            ("abc", "abcd", false),
        ];
        for (pattern, text, expected) in rows {
            assert_eq!(like(pattern, text), expected, "{pattern} against {text}");
        }
    }
}
