// What each letter of the matrix means. A state is never told by its colour alone.

/** In order: what needs somebody first. */
export const STATES = [
  { letter: "u", word: "Unprotected", symbol: "○", says: "nothing is enforced here" },
  { letter: "f", word: "Failing", symbol: "✗", says: "it cannot be read or written" },
  { letter: "r", word: "Refused", symbol: "⊘", says: "a manifest asks for what cannot be" },
  { letter: "h", word: "Held", symbol: "!", says: "it waits for a person" },
  { letter: "w", word: "Waiting", symbol: "…", says: "it waits for time or another object" },
  { letter: "c", word: "Converging", symbol: "~", says: "it is being written" },
  { letter: "q", word: "Unknown", symbol: "?", says: "it was not looked at yet" },
  { letter: "s", word: "In sync", symbol: "✓", says: "the account enforces what its manifest asks for" },
  { letter: "o", word: "By the organization", symbol: "◆", says: "an organization policy enforces" },
  { letter: "x", word: "Unclaimed", symbol: "◇", says: "something is enforced that no manifest names" },
  { letter: "n", word: "Not enabled", symbol: "·", says: "the account has not enabled the Region" },
  { letter: "i", word: "Not active", symbol: "–", says: "the account is not ACTIVE" },
];

const BY_LETTER = new Map(STATES.map((state, rank) => [state.letter, { ...state, rank }]));

const NOT_KNOWN = { letter: "q", word: "Unknown", symbol: "?", says: "", rank: 6 };

/** The state that a letter stands for. */
export function stateOf(letter) {
  return BY_LETTER.get(letter) ?? NOT_KNOWN;
}

const BY_NAME = {
  Unprotected: "u", Failing: "f", Refused: "r", Held: "h", Waiting: "w", Converging: "c",
  Unknown: "q", InSync: "s", Organization: "o", Unclaimed: "x", NotEnabled: "n", Inactive: "i",
};

/** The letter of a state or phase as the API spells it. */
export function letterOf(name) {
  return BY_NAME[name] ?? "q";
}
