// Puts every part of the page together.

import { attention, questions } from "./attention.js";
import * as detail from "./detail.js";
import { ago, el, setClock, setText, tick } from "./dom.js";
import { follow } from "./live.js";
import { manifests } from "./manifests.js";
import { Matrix } from "./matrix.js";
import { waiting } from "./rollouts.js";
import { stateOf } from "./states.js";
import { changed, listen } from "./timeline.js";

const URGENCY = { Broken: "f", Person: "h", Going: "c", Good: "s" };

const open = (account, region) => {
  const before = document.activeElement;
  const isInGrid = document.getElementById("grid").contains(before);
  detail.open(account, region, () => (isInGrid ? matrix.focus() : before?.focus()));
};
const matrix = new Matrix(open);
const only = (letter) => {
  matrix.only(letter);
  document.getElementById("matrix").scrollIntoView();
};

follow((overview) => {
  setClock(overview.at);
  const { symbol } = stateOf(URGENCY[overview.urgency]);
  const verdict = document.getElementById("verdict");
  verdict.className = `t-${URGENCY[overview.urgency]}`;
  setText(verdict, `${symbol} ${overview.verdict}`);
  document.title = `${symbol} ${overview.verdict} · Bedrail`;
  document.getElementById("facts").replaceChildren(`${overview.version}, generation ${overview.generation}`,
    ...(overview.oldestRead ? [", everything read within ", within(overview.oldestRead)] : []));
  questions(overview, { only });
  attention(overview, { open, only });
  matrix.update(overview);
  waiting(overview, { open });
  changed(overview);
  manifests(overview);
  detail.refresh();
});
listen();
setInterval(tick, 1000);

/** The age of the oldest read, without its `ago`. */
function within(at) {
  const element = ago(at);
  element.removeAttribute("data-ago");
  element.textContent = element.textContent.replace(/ ago$/, "");
  return el("span", {}, element);
}
