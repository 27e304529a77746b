// Everything about one account and Region.

import { ago, count, el } from "./dom.js";
import { letterOf, stateOf } from "./states.js";
import { one } from "./timeline.js";

const SLOTS = {
  Unread: "not read: nobody can say",
  Empty: "nothing: the slot is empty",
  Taken: "a configuration",
  NotEnabled: "the account has not enabled this Region",
};

const dialog = () => document.getElementById("detail");
let shown = null;

/** Opens the dialog for a cell; `closed` is called when it is closed. */
export function open(account, region, closed) {
  shown = { account, region };
  dialog().replaceChildren(el("p", {}, `${account} ${region} …`));
  dialog().onclose = () => {
    shown = null;
    closed();
  };
  dialog().onclick = (event) => {
    const { left, right, top, bottom } = dialog().getBoundingClientRect();
    const isBeside = event.clientX < left || event.clientX > right || event.clientY < top || event.clientY > bottom;
    // A button that is pressed by keyboard has no place.
    if (isBeside && event.target === dialog()) dialog().close();
  };
  if (!dialog().open) dialog().showModal();
  refresh();
}

/** Reads the cell again that is shown. */
export async function refresh() {
  if (!shown) return;
  const asked = shown;
  let content;
  try {
    const path = [asked.account, asked.region].map(encodeURIComponent).join("/");
    const answer = await fetch(`/api/v1/cells/${path}`, { cache: "no-store" });
    if (!answer.ok) throw new Error((await answer.text()).trim() || `it answered ${answer.status}`);
    content = detail(await answer.json());
  } catch (error) {
    content = [heading(`${asked.account} ${asked.region}`), el("p", { class: "bad" }, error.message)];
  }
  if (shown !== asked) return;
  const hadFocus = dialog().contains(document.activeElement);
  dialog().replaceChildren(...content);
  if (hadFocus || document.activeElement === document.body) {
    dialog().querySelector("button")?.focus({ preventScroll: true });
  }
}

function heading(text) {
  const close = el("button", { type: "button", class: "close", "aria-label": "Close" }, "×");
  close.addEventListener("click", () => dialog().close());
  return el("div", { class: "detail-head" }, el("h2", { id: "detail-title" }, text), close);
}

function detail(cell) {
  const letter = letterOf(cell.state);
  const { word, symbol, says } = stateOf(letter);
  const { account, region } = cell.place;
  return [
    heading(`${cell.name} · ${region}`),
    el("p", { class: "muted" }, `${account} in ${cell.unit}, ${cell.accountState}`),
    el("p", { class: "state" }, el("span", { class: `cell badge s-${letter}`, "aria-hidden": "true" }, symbol),
      el("strong", {}, word), ` ${says}`),
    el("h3", {}, "Why"),
    ...why(cell),
    el("h3", {}, "Desired and live"),
    el("dl", {},
      ...pair("Desired", desired(cell.desired)),
      ...pair("Live", cell.live.version ?? SLOTS[cell.live.slot] ?? cell.live.slot),
      ...pair("Organization", cell.organization.length ? cell.organization : "no policy of ours enforces here"),
      ...pair("Difference", cell.difference.length ? cell.difference : "none that would be written")),
    el("h3", {}, "What is visited here"),
    cell.keys.length ? el("ul", { class: "keys" }, ...cell.keys.map(key))
      : el("p", { class: "muted" }, "No manifest claims anything here; the audit looks now and then."),
    el("h3", {}, `What happened here: ${count(cell.events.length)}`),
    cell.events.length ? el("ol", { class: "timeline" }, ...cell.events.map((it) => one({ ...it, name: cell.name })))
      : el("p", { class: "muted" }, "Nothing since the controller started."),
  ];
}

function why(cell) {
  const waits = cell.keys.flatMap((it) => [
    it.reason ? [it.reason, it.message] : null,
    ...(it.waits ?? []).filter(([, message]) => message !== it.message),
  ].filter(Boolean));
  if (waits.length) return waits.map(([reason, message]) => el("p", { class: "why" }, el("strong", {}, `${reason} `), message));
  if (cell.state === "Unprotected") {
    return [el("p", { class: "bad" }, "No configuration of the account and no organization policy enforces a "
      + "guardrail here, and no manifest asks for one. Write an AccountEnforcement that selects this account, "
      + "or attach an OrganizationEnforcement above it.")];
  }
  return [el("p", {}, "Unchanged: there is nothing to do.")];
}

function desired(it) {
  if (!it) return "no manifest claims this slot";
  return [`${it.manifest}: guardrail ${it.guardrail}, revision ${it.revision}`,
    it.version ?? "that revision is not published here yet"];
}

function pair(name, value) {
  return [el("dt", {}, name), ...[value].flat().map((it) => el("dd", {}, it))];
}

function key(it) {
  const letter = letterOf(it.phase);
  const { symbol, word } = stateOf(letter);
  return el("li", {}, el("span", { class: `cell badge s-${letter}`, "aria-hidden": "true" }, symbol),
    el("div", {},
      el("p", {}, el("strong", {}, it.key), ` ${word}`, it.since ? [" since ", ago(it.since)] : []),
      el("p", { class: "muted" }, it.manifest ? `${it.manifest}; ` : "",
        it.observedAt ? ["last read ", ago(it.observedAt)].flat() : "never read in this process"),
      ...(it.conditions ?? []).map(({ type, status, message }) =>
        el("p", {}, message ? `${type}=${status}: ${message}` : `${type}=${status}`)),
      ...(it.applied ?? []).map((text) => el("p", {}, `written: ${text}`))));
}
