//! What is known of a claim.

/// Three-valued logic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plan) enum Truth {
    /// It holds.
    True,
    /// It does not.
    False,
    /// It cannot be told.
    Unknown,
}

impl Truth {
    /// Whether all claims hold.
    pub(in crate::plan) fn all(claims: impl IntoIterator<Item = Self>) -> Self {
        claims.into_iter().fold(Self::True, |all, claim| match (all, claim) {
            (Self::False, _) | (_, Self::False) => Self::False,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::True, Self::True) => Self::True,
        })
    }

    /// Whether some claim holds.
    pub(in crate::plan) fn any(claims: impl IntoIterator<Item = Self>) -> Self {
        claims.into_iter().fold(Self::False, |any, claim| match (any, claim) {
            (Self::True, _) | (_, Self::True) => Self::True,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::False, Self::False) => Self::False,
        })
    }

    /// The opposite claim.
    pub(in crate::plan) fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
        }
    }
}

impl From<bool> for Truth {
    fn from(claim: bool) -> Self {
        if claim { Self::True } else { Self::False }
    }
}
