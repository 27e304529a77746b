// Each manifest with its conditions; and what is left over of those that are gone.

import { ago, count, draw, el } from "./dom.js";
import { letterOf, stateOf } from "./states.js";

const ORDER = ["Failing", "Refused", "Held", "Unknown", "Waiting", "Converging", "InSync"];
const SIGNS = { True: "✓", False: "✗", Unknown: "?" };

/** Shows every manifest, the worst first. */
export function manifests(overview) {
  const all = [...overview.manifests].sort((a, b) => ORDER.indexOf(a.phase) - ORDER.indexOf(b.phase)
    || a.manifest.localeCompare(b.manifest));
  const { orphans } = overview;
  draw(document.getElementById("manifests"), { all, orphans }, () => [
    all.length ? el("ul", { class: "manifests" }, ...all.map(one))
      : el("p", { class: "calm" }, "None is in force."),
    orphans.length ? el("h3", {}, `Left over: ${count(orphans.length)}`) : null,
    orphans.length ? el("p", { class: "muted" },
      "Ours, and no manifest describes it any more. It is left alone until one says what becomes of it.") : null,
    orphans.length ? el("ul", {}, ...orphans.slice(0, 20).map((it) => el("li", {}, it))) : null,
  ]);
}

function one(manifest) {
  const letter = letterOf(manifest.phase);
  const counts = Object.entries(manifest.counts).map(([phase, number]) => `${count(number)} ${phase}`);
  const bad = manifest.conditions.filter((it) => it.status !== "True" && it.type !== "Ready");
  const [ready] = manifest.conditions;
  return el("li", { class: `manifest t-${letter}` },
    el("span", { class: `cell badge s-${letter}`, "aria-hidden": "true" }, stateOf(letter).symbol),
    el("div", {},
      el("h3", {}, manifest.manifest),
      el("p", { class: "conditions" }, ...manifest.conditions.map(condition),
        el("span", { class: "muted" }, counts.join(", "),
          ready?.lastTransitionTime ? [", ", ago(ready.lastTransitionTime)] : [])
      ),
      ...bad.map((it) => el("p", { class: "why" }, el("strong", {}, `${it.type} (${it.reason}) `), it.message))));
}

function condition({ type, status, reason, message }) {
  return el("span", { class: `condition c-${status}`, title: `${reason}: ${message}` },
    `${SIGNS[status] ?? "?"} ${type}`, el("span", { class: "hidden" }, `: ${status}`));
}
