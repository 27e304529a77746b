// Makes elements. Text is only ever set as text: what people name their accounts is not markup.

/** An element with attributes and children; strings become text. */
export function el(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** Draws what belongs to `data` into `root`, unless it shows that already. */
export function draw(root, data, render) {
  const text = JSON.stringify(data);
  if (drawn.get(root) === text) return;
  drawn.set(root, text);
  root.replaceChildren(...[render(data)].flat().filter(Boolean));
}

const drawn = new WeakMap();

let skew = 0;

/** Tells what time it is at the controller, whose dates are shown. */
export function setClock(at) {
  skew = Date.parse(at) - Date.now();
}

/** Milliseconds since `at`, by the clock of the controller. */
export function since(at) {
  return Date.now() + skew - Date.parse(at);
}

/** `12 s`, `3 min`, `5 h`, `2 d`. */
export function spoken(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

/** How long something took: `80 ms`, `1.2 s`, `12 s`. */
export function brief(milliseconds) {
  if (milliseconds < 1000) return `${Math.max(0, Math.round(milliseconds))} ms`;
  return milliseconds < 10_000 ? `${(milliseconds / 1000).toFixed(1)} s` : spoken(milliseconds);
}

/** A moment that stays true: `3 min ago`. */
export function ago(at) {
  const element = el("time", { datetime: at, title: new Date(at).toLocaleString(), "data-ago": at });
  element.textContent = `${spoken(since(at))} ago`;
  return element;
}

/** A moment to come that stays true: `12 min left`. */
export function left(at) {
  const element = el("time", { datetime: at, title: new Date(at).toLocaleString(), "data-left": at });
  element.textContent = remaining(at);
  return element;
}

function remaining(at) {
  const passed = since(at);
  return passed >= 0 ? "time is up" : `${spoken(-passed)} left`;
}

/** Lets every moment on the page be true again. */
export function tick() {
  for (const element of document.querySelectorAll("[data-ago]")) {
    setText(element, `${spoken(since(element.dataset.ago))} ago`);
  }
  for (const element of document.querySelectorAll("[data-left]")) {
    setText(element, remaining(element.dataset.left));
  }
}

/** Sets a text, if it is another. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** `16,998`. */
export function count(number) {
  return number.toLocaleString("en-US");
}

/** `1 cell`, `2 cells`. */
export function plural(number, one, many) {
  return `${count(number)} ${number === 1 ? one : many ?? `${one}s`}`;
}

/** Something to be typed in a terminal, with a button that copies it. */
export function command(text) {
  const button = el("button", { type: "button", class: "copy" }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      // Away from loopback, without TLS, a page has no clipboard: then it is selected.
      getSelection().selectAllChildren(code);
      button.textContent = "Selected";
    }
  });
  const code = el("code", {}, text);
  return el("div", { class: "command" }, el("pre", { tabindex: "0" }, code), button);
}
