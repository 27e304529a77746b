// Keeps what is shown up to date, and says loudly when it is not.

import { spoken, setText } from "./dom.js";

/** The controller says something every 5 s. */
const SILENT_AFTER = 12_000;
/** What changes without anybody's doing, the age of the oldest read, is asked for so often. */
const ASKED_EVERY = 60_000;
/** A stream that was refused, not lost, is not opened again by the browser. */
const REOPENED_AFTER = 3_000;
const APART = 250;
/** How long a large organization may take to answer. */
const ANSWERS_WITHIN = 15_000;

/** Calls `show` with every new overview. */
export function follow(show) {
  const page = {
    source: null, heard: Date.now(), loaded: null, wanted: null, asked: 0, loading: false,
    failure: null, signedOut: false,
  };
  const load = async () => {
    if (page.loading) return;
    page.loading = true;
    const revision = page.wanted;
    try {
      const answer = await fetch("/api/v1/overview",
        { cache: "no-store", signal: AbortSignal.timeout(ANSWERS_WITHIN) });
      page.signedOut = answer.status === 401;
      if (!answer.ok) throw new Error(`it answered ${answer.status}`);
      show(await answer.json());
      page.loaded = revision;
      page.asked = Date.now();
      page.heard = Date.now();
      page.failure = null;
    } catch (error) {
      page.failure = error.message;
    }
    page.loading = false;
    say(page);
    // Another change may have come meanwhile.
    if (!page.failure && page.wanted !== page.loaded) setTimeout(load, APART);
  };
  const open = () => {
    page.source?.close();
    page.source = new EventSource("/api/v1/events");
    page.source.addEventListener("beat", (event) => {
      page.heard = Date.now();
      page.wanted = JSON.parse(event.data).revision;
      if (page.wanted !== page.loaded || page.failure) load();
      say(page);
    });
    page.source.addEventListener("error", () => {
      if (page.source.readyState === EventSource.CLOSED) setTimeout(open, REOPENED_AFTER);
    });
  };
  setInterval(() => {
    say(page);
    if (Date.now() - page.asked > ASKED_EVERY && !page.failure) load();
  }, 1000);
  load();
  open();
}

/** Says how old what is shown may be. */
function say(page) {
  const silent = Date.now() - page.heard;
  const lost = document.getElementById("lost");
  const isLost = page.signedOut || silent > SILENT_AFTER;
  document.body.classList.toggle("lost", isLost);
  lost.hidden = !isLost;
  if (page.signedOut) {
    setText(lost, "A token is needed: open /?token=… once, then this page again.");
  } else if (isLost) {
    const why = page.failure ? ` (${page.failure})` : "";
    setText(lost, `Disconnected: last heard ${spoken(silent)} ago${why}. What is shown below is old. `
      + "Enforcement lives in AWS and goes on without the controller.");
  }
  const heard = document.getElementById("heard");
  heard.classList.toggle("on", !isLost);
  setText(heard, isLost ? "not live" : silent < 7000 ? "live" : `heard ${spoken(silent)} ago`);
}
