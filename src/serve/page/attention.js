// What needs somebody, the worst first; and the four questions of the night, each with one place.

import { ago, count, draw, el, plural } from "./dom.js";
import { letterOf, stateOf } from "./states.js";

/** Places that are named before the matrix is the better place to look. */
const NAMED = 4;

/** The places of cells in a state: `[account, region]`. */
export function placesOf(overview, letter) {
  return overview.accounts.flatMap((account) => [...account.cells]
    .map((it, index) => (it === letter ? [account, overview.regions[index]] : null))
    .filter(Boolean));
}

/** What waits for a person, or is broken. */
export function attention(overview, { open, only }) {
  const unprotected = placesOf(overview, "u");
  const urgent = overview.troubles.filter((it) => it.urgency === "Broken" || it.urgency === "Person");
  const { notices, refusals, heldPlan } = overview;
  const names = namesOf(overview);
  const data = { unprotected, urgent, notices, refusals, heldPlan, names };
  draw(document.getElementById("attention"), data, () => {
    const items = [
      ...notices.map((notice) => item("Held", "Notice", notice)),
      unprotected.length ? bare(unprotected, { open, only }) : null,
      ...refusals.map((refusal) => item("Refused", "Refused", refusal)),
      ...urgent.map((trouble) => group(trouble, names, open)),
      heldPlan ? item("Held", `A plan is held: ${heldPlan.name}`,
        `${withoutName(heldPlan)}. How to consent to it stands below.`) : null,
    ].filter(Boolean);
    return items.length ? el("ul", { class: "items" }, ...items)
      : el("p", { class: "calm" }, "✓ Nothing needs a person: nobody is unprotected, nothing is broken.");
  });
}

/** What people call the accounts. */
export function namesOf(overview) {
  return Object.fromEntries(overview.accounts.map(({ id, name }) => [id, name]));
}

/** What a held plan says beside its name. */
export function withoutName({ name, text }) {
  return text.startsWith(`${name}: `) ? text.slice(name.length + 2) : text;
}

function item(state, title, ...text) {
  const letter = letterOf(state);
  return el("li", { class: `item t-${letter}` }, badge(letter), el("div", {},
    el("h3", {}, title), ...text.map((it) => (typeof it === "string" ? el("p", {}, it) : it))));
}

function badge(letter, symbol = stateOf(letter).symbol) {
  return el("span", { class: `cell badge s-${letter}`, "aria-hidden": "true" }, symbol);
}

/** Cells in which nothing is enforced: as loud as what is broken. */
function bare(places, { open, only }) {
  const show = el("button", { type: "button" }, "Show in the matrix");
  show.addEventListener("click", () => only("u"));
  const named = places.slice(0, NAMED).map(([account, region]) => place(account.name, account.id, region, open));
  const more = places.length > NAMED ? `and ${count(places.length - NAMED)} more ` : "";
  const accounts = new Set(places.map(([account]) => account.id)).size;
  return item("Unprotected",
    `Unprotected: ${plural(places.length, "cell")} in ${plural(accounts, "account")}`,
    "ACTIVE accounts and enabled Regions in which no guardrail is enforced, neither by the account nor "
      + "by an organization policy: every model call there passes unchecked. Where a manifest selects "
      + "it already, the cell says what it waits for; else write one that does.",
    el("p", { class: "places" }, ...named, more, show));
}

function place(name, account, region, open) {
  const button = el("button", { type: "button", class: "place" }, `${name} ${region}`);
  button.addEventListener("click", () => open(account, region));
  return button;
}

/** Keys that stand alike for the same reason. */
export function group(trouble, names, open) {
  const keys = trouble.keys.slice(0, NAMED).map((key) => {
    const [, account, region] = key.match(/^(?:cell|invocation logging in) (\d{12}) (\S+)$/) ?? [];
    return account ? place(names[account] ?? account, account, region, open) : el("span", { class: "place" }, key);
  });
  const more = trouble.count - keys.length;
  return item(trouble.phase, `${stateOf(letterOf(trouble.phase)).word} (${trouble.reason}): ${count(trouble.count)}`,
    trouble.message,
    el("p", { class: "places" }, ...keys, more > 0 ? `and ${count(more)} more ` : "",
      ...(trouble.since ? ["since ", ago(trouble.since)] : [])));
}

/** The questions, each with its answer and the way to the place that says more. */
export function questions(overview, { only }) {
  const sum = (urgency) => overview.troubles.filter((it) => it.urgency === urgency)
    .reduce((all, it) => all + it.count, 0);
  const unprotected = overview.counts.Unprotected ?? 0;
  const broken = sum("Broken") + overview.refusals.length;
  const person = Math.max(sum("Person"), overview.heldPlan ? 1 : 0);
  const going = sum("Going");
  const drift = overview.timeline.filter((it) => it.kind === "Drift");
  const newest = drift[0];
  const data = { unprotected, broken, person, going, drift: drift.length, newest };
  draw(document.getElementById("questions"), data, () => [
    tile("matrix", unprotected ? "u" : "s", "Is anybody unprotected?",
      unprotected ? plural(unprotected, "cell") : "nobody", () => only(unprotected ? "u" : null)),
    tile("attention-title", broken ? "f" : "s", "Is anything broken?", broken ? count(broken) : "nothing"),
    tile(person ? "attention-title" : "waiting-title", person ? "h" : going ? "w" : "s",
      "What is it waiting for?",
      person ? `a person: ${count(person)}` : going ? `time: ${count(going)}` : "nothing"),
    tile("changed-title", newest?.ending === "Failed" ? "f" : drift.length ? "w" : "s",
      "What changed, and who did it?",
      newest ? [`drift ${count(drift.length)} ×, last `, ago(newest.at)] : "no drift seen", null, newest ? "↯" : undefined),
  ]);
}

function tile(target, letter, question, answer, then, symbol) {
  const link = el("a", { href: `#${target}`, class: `tile t-${letter}` },
    el("span", { class: "question" }, question),
    el("span", { class: "answer" }, badge(letter, symbol), el("span", {}, ...[answer].flat())));
  link.addEventListener("click", (event) => {
    event.preventDefault();
    then?.();
    const place = document.getElementById(target);
    place.scrollIntoView();
    place.focus({ preventScroll: true });
  });
  return link;
}
