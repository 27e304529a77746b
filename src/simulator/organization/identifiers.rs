//! The patterns of ids (`aws-facts` 4.2).

/// Twelve digits.
pub(in crate::simulator) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `r-[0-9a-z]{4,32}`.
pub(in crate::simulator) fn is_root(text: &str) -> bool {
    text.strip_prefix("r-").is_some_and(|rest| is_lower(rest, 4, 32))
}

/// `ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}`.
pub(in crate::simulator) fn is_unit(text: &str) -> bool {
    text.strip_prefix("ou-")
        .and_then(|rest| rest.split_once('-'))
        .is_some_and(|(root, own)| is_lower(root, 4, 32) && is_lower(own, 8, 32))
}

/// `p-[0-9a-zA-Z_]{8,128}`.
pub(in crate::simulator) fn is_policy(text: &str) -> bool {
    text.strip_prefix("p-").is_some_and(|rest| {
        (8..=128).contains(&rest.len())
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

/// A root or a unit.
pub(in crate::simulator) fn is_parent(text: &str) -> bool {
    is_root(text) || is_unit(text)
}

/// A root, a unit or an account.
pub(in crate::simulator) fn is_target(text: &str) -> bool {
    is_parent(text) || is_account(text)
}

fn is_lower(text: &str, length_min: usize, length_max: usize) -> bool {
    (length_min..=length_max).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}
