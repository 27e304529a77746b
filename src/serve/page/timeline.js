// What changed, when, by whom, and what was done about it.

import { ago, brief, command, count, draw, el } from "./dom.js";
import { namesOf } from "./attention.js";

const SHOWN = 40;

const KINDS = {
  Drift: { symbol: "↯", word: "Drift", letter: "f" },
  Accepted: { symbol: "▤", word: "Manifests", letter: "o" },
  Rollout: { symbol: "→", word: "Rollout", letter: "c" },
  Manifest: { symbol: "+", word: "Manifests ask", letter: "s" },
};

let isEverything = false;
let last = null;

/** Lets the buttons choose what is shown. */
export function listen() {
  const buttons = [["changes-foreign", false], ["changes-all", true]];
  for (const [id, everything] of buttons) {
    document.getElementById(id).addEventListener("click", () => {
      isEverything = everything;
      for (const [other, of] of buttons) {
        document.getElementById(other).setAttribute("aria-pressed", String(of === isEverything));
      }
      if (last) changed(last);
    });
  }
}

/** Shows the newest events. */
export function changed(overview) {
  last = overview;
  const isChosen = (event) => isEverything || event.kind === "Drift" || event.kind === "Accepted";
  const events = overview.timeline.filter(isChosen);
  const names = namesOf(overview);
  const shown = events.slice(0, SHOWN).map((event) => ({ ...event, name: names[event.account] }));
  const { journal } = overview;
  draw(document.getElementById("changed"), { shown, all: events.length, journal }, () => [
    shown.length ? el("ol", { class: "timeline" }, ...shown.map(one))
      : el("p", { class: "calm" }, "✓ Nothing was changed by anybody since the controller started."),
    events.length > SHOWN ? el("p", { class: "muted" }, `and ${count(events.length - SHOWN)} before that`) : null,
    el("p", { class: "muted" }, journal
      ? el("span", {}, "The newest of each kind. All of it: ", el("code", {}, `bedrail journal --journal ${journal.path}`))
      : "Since the start of this process. With --journal FILE everything is kept, chained by hash."),
  ]);
}

/** One event. */
export function one(event) {
  const kind = KINDS[event.kind] ?? KINDS.Manifest;
  const where = event.region ? `${event.name ?? event.account} ${event.region}` : event.key ?? "";
  return el("li", { class: `event k-${event.kind}` },
    el("p", { class: "event-head" },
      el("span", { class: `cell badge s-${kind.letter}`, "aria-hidden": "true" }, kind.symbol),
      el("strong", {}, kind.word), " ", el("span", { class: "event-where" }, where), " ", ago(event.at)),
    el("div", { class: "event-body" },
      event.kind === "Accepted" ? el("p", {}, event.what) : null,
      event.changes?.length ? el("ul", { class: "changes" }, ...event.changes.map((it) => el("li", {}, it))) : null,
      event.kind === "Accepted" ? null : outcome(event),
      event.kind === "Drift" ? who(event.actor) : null));
}

function outcome(event) {
  const took = event.endedAt ? ` after ${brief(Date.parse(event.endedAt) - Date.parse(event.at))}` : "";
  const call = el("code", {}, event.what);
  if (event.ending === "Failed") return el("p", { class: "bad" }, "✗ Not put right: ", call, ` failed: ${event.message ?? ""}`);
  if (event.ending === "Moved") return el("p", {}, "… It changed again meanwhile and is read anew: ", call);
  if (!event.ending) return el("p", { class: "bad" }, "? How it ended is not in the journal: ", call);
  return el("p", {}, event.kind === "Drift" ? `✓ Put right${took} by ` : `✓ Written${took} by `, call);
}

/** Who did it where AWS says so, else how to ask. */
function who(actor) {
  if (actor?.Known) return el("p", {}, "Who: ", el("code", {}, actor.Known));
  return el("div", {}, el("p", {}, "Who: unknown; AWS does not say. CloudTrail does:"),
    actor?.Unknown ? command(actor.Unknown) : null);
}

