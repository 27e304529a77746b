//! Accounts × Regions: how each cell stands, in one word and in one letter.

use serde::Serialize;

use super::outcome::Phase;

/// What was last read of the slot of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum SlotRead {
    /// Not yet, or it failed.
    Unread,
    /// There is no configuration.
    Empty,
    /// There is one.
    Taken,
    /// The account has not enabled the Region.
    NotEnabled,
}

/// All that a cell is judged from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellFacts {
    /// Whether its account is ACTIVE.
    pub is_active: bool,
    /// How the manifest that claims it stands there, if one does.
    pub claim: Option<Phase>,
    /// Its slot.
    pub slot: SlotRead,
    /// Whether an organization policy enforces there; `None` while they are unread.
    pub is_covered: Option<bool>,
}

/// How a cell stands. The order is that of legends: what needs somebody first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum CellState {
    /// Nothing is enforced there, whoever may want it to be.
    Unprotected,
    /// It cannot be read or written.
    Failing,
    /// A manifest asks for what cannot be.
    Refused,
    /// It waits for a person.
    Held,
    /// It waits for time or for another object.
    Waiting,
    /// It is being written.
    Converging,
    /// It was not looked at yet.
    Unknown,
    /// What its manifest asks for is in force.
    InSync,
    /// An organization policy enforces there, and no manifest claims its slot.
    Organization,
    /// Something is enforced there that no manifest names.
    Unclaimed,
    /// The account has not enabled the Region.
    NotEnabled,
    /// The account is not ACTIVE.
    Inactive,
}

impl CellState {
    /// Every state, in order.
    pub const ALL: [Self; 12] = [
        Self::Unprotected,
        Self::Failing,
        Self::Refused,
        Self::Held,
        Self::Waiting,
        Self::Converging,
        Self::Unknown,
        Self::InSync,
        Self::Organization,
        Self::Unclaimed,
        Self::NotEnabled,
        Self::Inactive,
    ];

    /// Judges a cell. That nothing at all is enforced outweighs everything else: a claim that waits
    /// protects nobody.
    pub fn judge(cell: CellFacts) -> Self {
        let CellFacts { is_active, claim, slot, is_covered } = cell;
        match (claim, slot, is_covered) {
            _ if !is_active => Self::Inactive,
            (_, SlotRead::Empty, Some(false)) => Self::Unprotected,
            (Some(phase), ..) => Self::of(phase),
            (None, SlotRead::NotEnabled, _) => Self::NotEnabled,
            (None, SlotRead::Taken, _) => Self::Unclaimed,
            (None, SlotRead::Empty | SlotRead::Unread, Some(true)) => Self::Organization,
            (None, SlotRead::Empty | SlotRead::Unread, Some(false) | None) => Self::Unknown,
        }
    }

    fn of(phase: Phase) -> Self {
        match phase {
            Phase::InSync => Self::InSync,
            Phase::Converging => Self::Converging,
            Phase::Waiting => Self::Waiting,
            Phase::Unknown => Self::Unknown,
            Phase::Held => Self::Held,
            Phase::Refused => Self::Refused,
            Phase::Failing => Self::Failing,
        }
    }

    /// The letter for which it stands in a row of the matrix: 17,000 cells are 17,000 letters.
    pub fn letter(self) -> char {
        match self {
            Self::Unprotected => 'u',
            Self::Failing => 'f',
            Self::Refused => 'r',
            Self::Held => 'h',
            Self::Waiting => 'w',
            Self::Converging => 'c',
            Self::Unknown => 'q',
            Self::InSync => 's',
            Self::Organization => 'o',
            Self::Unclaimed => 'x',
            Self::NotEnabled => 'n',
            Self::Inactive => 'i',
        }
    }

    /// Whether a guardrail is known to be enforced there.
    pub fn is_protected(self) -> bool {
        matches!(self, Self::InSync | Self::Organization | Self::Unclaimed)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn judged(claim: Option<Phase>, slot: SlotRead, is_covered: Option<bool>) -> CellState {
        CellState::judge(CellFacts { is_active: true, claim, slot, is_covered })
    }

    #[test]
    fn a_claim_that_waits_for_an_empty_slot_protects_nobody() {
        for claim in [None, Some(Phase::Waiting), Some(Phase::Held), Some(Phase::InSync)] {
            assert_eq!(judged(claim, SlotRead::Empty, Some(false)), CellState::Unprotected);
        }
        assert_eq!(judged(Some(Phase::Held), SlotRead::Empty, Some(true)), CellState::Held);
        assert_eq!(judged(Some(Phase::Held), SlotRead::Taken, Some(false)), CellState::Held);
    }

    #[test]
    fn what_was_not_read_is_neither_protected_nor_unprotected() {
        assert_eq!(judged(None, SlotRead::Unread, Some(false)), CellState::Unknown);
        assert_eq!(judged(None, SlotRead::Empty, None), CellState::Unknown);
        assert_eq!(judged(Some(Phase::Failing), SlotRead::Unread, None), CellState::Failing);
        assert!(!CellState::Unknown.is_protected());
    }

    #[test]
    fn what_no_manifest_names_shows_what_is_there() {
        assert_eq!(judged(None, SlotRead::Unread, Some(true)), CellState::Organization);
        assert_eq!(judged(None, SlotRead::Taken, Some(true)), CellState::Unclaimed);
        assert_eq!(judged(None, SlotRead::NotEnabled, Some(false)), CellState::NotEnabled);
        let gone = CellFacts {
            is_active: false,
            claim: None,
            slot: SlotRead::Empty,
            is_covered: Some(false),
        };
        assert_eq!(CellState::judge(gone), CellState::Inactive);
    }

    #[test]
    fn every_state_has_its_own_letter() {
        let letters: BTreeSet<char> = CellState::ALL.into_iter().map(CellState::letter).collect();
        assert_eq!(letters.len(), CellState::ALL.len());
        assert!(CellState::ALL.is_sorted());
    }
}
