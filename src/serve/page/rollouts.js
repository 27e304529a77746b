// What Bedrail is waiting for: a person's consent, waves and their clocks, other objects.

import { command, count, draw, el, left } from "./dom.js";
import { group, namesOf, withoutName } from "./attention.js";

const WAVES = {
  Passed: { symbol: "✓", letter: "s", word: "passed" },
  Moving: { symbol: "~", letter: "c", word: "open: moving" },
  Baking: { symbol: "…", letter: "w", word: "baking" },
  Gating: { symbol: "?", letter: "c", word: "being tried" },
  Paused: { symbol: "!", letter: "h", word: "paused by its text" },
  Halted: { symbol: "✗", letter: "f", word: "halted" },
  Closed: { symbol: "·", letter: "n", word: "closed" },
  RolledBack: { symbol: "✗", letter: "f", word: "rolled back" },
};

/** Shows consent, rollouts and the rest. */
export function waiting(overview, { open }) {
  const { heldPlan, rollouts } = overview;
  const going = overview.troubles.filter((it) => it.urgency === "Going");
  const names = namesOf(overview);
  const isOver = ({ waves }) => waves.every((wave) => wave.state === "Passed");
  const [unfinished, over] = [rollouts.filter((it) => !isOver(it)), rollouts.filter(isOver)];
  draw(document.getElementById("waiting"), { heldPlan, rollouts, going, names }, () => {
    const parts = [
      heldPlan ? consent(heldPlan) : null,
      ...unfinished.map(rollout),
      going.length ? el("ul", { class: "items" }, ...going.map((it) => group(it, names, open))) : null,
    ].filter(Boolean);
    if (!parts.length) parts.push(el("p", { class: "calm" }, "✓ For nothing."));
    return [...parts, ...over.map((it) => el("p", { class: "muted" },
      `✓ ${it.manifest}: ${it.guardrail} ${it.revision} has passed every wave.`))];
  });
}

/** What the change guard holds, and the command to consent. */
function consent(plan) {
  return el("article", { class: "card t-h" },
    el("h3", {}, "Held for consent: ", el("code", {}, plan.name)),
    el("p", {}, `${withoutName(plan)}.`),
    el("p", {}, "By the text of ", el("strong", {}, plan.manifests.join(", ")),
      ". The name is a hash over these texts and the number of cells; ",
      el("code", {}, "bedrail plan"), " shows each of them. To consent, in the folder of the manifests:"),
    command(`cat > approval.yaml <<'END'\n${plan.approval}END`));
}

function rollout(it) {
  const from = it.accepted ? ` from ${it.accepted}` : "";
  return el("article", { class: "card rollout" },
    el("h3", {}, it.manifest),
    el("p", {}, `${it.guardrail}${from} to revision `, el("code", {}, it.revision), `. Gate: ${it.gate}.`),
    el("ol", { class: "waves" }, ...it.waves.map((wave) => one(wave, it.noun))));
}

function one(wave, noun) {
  const { symbol, letter, word } = WAVES[wave.state] ?? WAVES.Closed;
  const unread = wave.unknown ? `, ${count(wave.unknown)} unread` : "";
  const bar = el("progress", { max: String(wave.all || 1), value: String(wave.converged), "aria-hidden": "true" });
  return el("li", { class: `wave t-${letter}` },
    el("span", { class: `cell badge s-${letter}`, "aria-hidden": "true" }, symbol),
    el("strong", {}, wave.name), el("span", {}, word),
    wave.bakesUntil ? el("span", { class: "clock" }, left(wave.bakesUntil)) : null,
    el("span", { class: "muted" }, `${count(wave.converged)} of ${count(wave.all)} ${noun}${unread}`), bar);
}
