// Accounts × Regions. Only the rows in view are elements, so that 17,000 cells are as quick as 40.

import { count, el, plural, setText } from "./dom.js";
import { STATES, stateOf } from "./states.js";

/** Pixels; the style sheet says the same. */
const ROW = 36;
/** Rows drawn beyond the edges, so that scrolling shows no gaps. */
const SPARE = 8;
/** Columns from which on the names of Regions stand upright. */
const MANY = 6;

const ALL = "";

export class Matrix {
  /** `open(account, region)` is called for a cell that is to be shown. */
  constructor(open) {
    this.open = open;
    this.regions = [];
    this.accounts = [];
    this.rows = [];
    this.columns = [];
    this.states = new Set();
    this.elements = new Map();
    this.at = { row: 0, column: 0 };
    this.grid = document.getElementById("grid");
    this.inputs = Object.fromEntries(["account", "unit", "region", "order"]
      .map((name) => [name, document.getElementById(`filter-${name}`)]));
    this.head = el("div", { role: "row", class: "head", "aria-rowindex": "1" });
    this.body = el("div", { role: "rowgroup", class: "body" });
    this.grid.append(el("div", { role: "rowgroup", class: "header" }, this.head), this.body);
    this.legend();
    this.listen();
  }

  /** Shows a new overview; the filter stays. */
  update(overview) {
    const isOther = overview.regions.join() !== this.regions.join();
    this.regions = overview.regions;
    this.accounts = overview.accounts.map((account) => ({
      ...account,
      search: `${account.name} ${account.id}`.toLowerCase(),
    }));
    options(this.inputs.unit, units(this.accounts), "all units");
    options(this.inputs.region, this.regions.map((it) => [it, it]), "all Regions");
    this.count();
    this.filter(isOther);
  }

  /** Shows only cells in this state, and goes there. */
  only(letter) {
    for (const input of [this.inputs.account, this.inputs.unit, this.inputs.region]) input.value = ALL;
    this.states = new Set(letter ? [letter] : []);
    this.filter(true);
  }

  /** Chooses rows and columns, and draws them. */
  filter(isOther = true) {
    const text = this.inputs.account.value.trim().toLowerCase();
    const unit = this.inputs.unit.value;
    const region = this.inputs.region.value;
    const all = this.regions.map((_, index) => index);
    this.columns = region === ALL ? all : all.filter((index) => this.regions[index] === region);
    const isChosen = (account) => (!text || account.search.includes(text))
      && (unit === ALL || account.unit === unit || account.unit.startsWith(`${unit}/`))
      && (!this.states.size || this.columns.some((it) => this.states.has(account.cells[it])));
    const focused = this.rows[this.at.row]?.id;
    this.rows = this.accounts.filter(isChosen);
    if (this.inputs.order.value === "worst") this.rows = this.worstFirst(this.rows);
    if (isOther) this.columnsChanged();
    const row = this.rows.findIndex((account) => account.id === focused);
    this.at.row = Math.max(0, Math.min(row < 0 ? this.at.row : row, this.rows.length - 1));
    this.at.column = Math.min(this.at.column, Math.max(0, this.columns.length - 1));
    this.grid.setAttribute("aria-rowcount", String(this.rows.length + 1));
    this.body.style.height = `${this.rows.length * ROW}px`;
    this.pressed();
    const cells = this.rows.length * this.columns.length;
    setText(document.getElementById("shown"), `${count(this.rows.length)} of `
      + `${plural(this.accounts.length, "account")}, ${plural(cells, "cell")}`);
    this.draw();
  }

  worstFirst(rows) {
    const rank = (account) => Math.min(...this.columns.map((it) => stateOf(account.cells[it]).rank));
    const ranked = rows.map((account) => [rank(account), account]);
    return ranked.sort((a, b) => a[0] - b[0]).map(([, account]) => account);
  }

  columnsChanged() {
    this.elements.clear();
    this.body.replaceChildren();
    this.grid.classList.toggle("many", this.columns.length > MANY);
    this.grid.style.setProperty("--columns", String(this.columns.length));
    this.grid.setAttribute("aria-colcount", String(this.columns.length + 1));
    const corner = el("div", { role: "columnheader", class: "name", "aria-colindex": "1" }, "Account");
    const names = this.columns.map((column, index) => el("div",
      { role: "columnheader", class: "region", "aria-colindex": String(index + 2) },
      el("span", {}, this.regions[column])));
    this.head.replaceChildren(corner, ...names);
  }

  /** Draws the rows in view, and the one that has the focus. */
  draw() {
    const { scrollTop, clientHeight } = this.grid;
    const first = Math.max(0, Math.floor(scrollTop / ROW) - SPARE);
    const last = Math.min(this.rows.length, Math.ceil((scrollTop + clientHeight) / ROW) + SPARE);
    const wanted = new Map();
    for (let index = first; index < last; index += 1) wanted.set(this.rows[index].id, index);
    if (this.rows[this.at.row]) wanted.set(this.rows[this.at.row].id, this.at.row);
    for (const [id, element] of this.elements) {
      if (!wanted.has(id)) {
        element.remove();
        this.elements.delete(id);
      }
    }
    for (const index of wanted.values()) this.row(index);
  }

  row(index) {
    const account = this.rows[index];
    let element = this.elements.get(account.id);
    const isNew = !element;
    if (isNew) {
      element = this.make(account);
      this.elements.set(account.id, element);
      this.body.append(element);
    }
    element.style.transform = `translateY(${index * ROW}px)`;
    element.setAttribute("aria-rowindex", String(index + 2));
    const [name, ...cells] = element.children;
    setText(name.firstChild, account.name);
    setText(name.lastChild, `${account.id} · ${account.state === "ACTIVE" ? account.unit : account.state}`);
    cells.forEach((cell, position) => this.cell(cell, account, position, isNew, index));
  }

  make(account) {
    const title = `${account.name} (${account.id}) in ${account.unit}`;
    const name = el("div", { role: "rowheader", class: "name", "aria-colindex": "1", title },
      el("span", { class: "who" }), el("span", { class: "where" }));
    const cells = this.columns.map((_, index) => el("div",
      { role: "gridcell", tabindex: "-1", "aria-colindex": String(index + 2) }));
    return el("div", { role: "row", class: "row", "data-account": account.id }, name, ...cells);
  }

  cell(element, account, position, isNew, index) {
    const column = this.columns[position];
    const letter = account.cells[column];
    if (element.dataset.state !== letter) {
      const { word, symbol } = stateOf(letter);
      const label = `${account.name}, ${this.regions[column]}: ${word}`;
      if (!isNew) element.classList.remove("changed");
      element.className = `cell s-${letter}${isNew ? "" : " changed"}`;
      element.dataset.state = letter;
      element.textContent = symbol;
      element.setAttribute("aria-label", label);
      element.title = label;
    }
    element.classList.toggle("dim", this.states.size > 0 && !this.states.has(letter));
    const isAt = index === this.at.row && position === this.at.column;
    if (element.tabIndex !== (isAt ? 0 : -1)) element.tabIndex = isAt ? 0 : -1;
  }

  /** The legend is also the filter by state. */
  legend() {
    this.buttons = new Map(STATES.map(({ letter, word, symbol, says }) => {
      const button = el("button", { type: "button", "aria-pressed": "false", title: says, "data-state": letter },
        el("span", { class: `cell s-${letter}`, "aria-hidden": "true" }, symbol),
        el("span", {}, word), el("b", {}));
      button.addEventListener("click", () => {
        if (!this.states.delete(letter)) this.states.add(letter);
        this.filter(false);
      });
      return [letter, button];
    }));
    document.getElementById("legend").append(...this.buttons.values());
  }

  count() {
    const counts = new Map();
    for (const { cells } of this.accounts) {
      for (const letter of cells) counts.set(letter, (counts.get(letter) ?? 0) + 1);
    }
    for (const [letter, button] of this.buttons) {
      const found = counts.get(letter) ?? 0;
      setText(button.lastChild, count(found));
      button.hidden = found === 0 && letter !== "u" && !this.states.has(letter);
    }
  }

  pressed() {
    for (const [letter, button] of this.buttons) {
      button.setAttribute("aria-pressed", String(this.states.has(letter)));
    }
  }

  listen() {
    this.grid.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.draw()).observe(this.grid);
    for (const input of Object.values(this.inputs)) {
      input.addEventListener("input", () => {
        this.grid.scrollTop = 0;
        this.filter(input === this.inputs.region);
      });
    }
    document.getElementById("filter-clear").addEventListener("click", () => this.only(null));
    this.grid.addEventListener("click", (event) => this.chosen(event.target.closest("[role=gridcell]")));
    this.grid.addEventListener("keydown", (event) => this.key(event));
  }

  chosen(element) {
    if (!element) return;
    const id = element.parentElement.dataset.account;
    const row = this.rows.findIndex((account) => account.id === id);
    const column = Number(element.getAttribute("aria-colindex")) - 2;
    this.go(row, column);
    this.open(id, this.regions[this.columns[column]]);
  }

  key(event) {
    const { row, column } = this.at;
    const page = Math.max(1, Math.floor(this.grid.clientHeight / ROW) - 2);
    const ends = event.ctrlKey || event.metaKey;
    const [last, lastColumn] = [this.rows.length - 1, this.columns.length - 1];
    const moves = {
      ArrowUp: [row - 1, column], ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1],
      PageUp: [row - page, column], PageDown: [row + page, column],
      Home: [ends ? 0 : row, 0], End: [ends ? last : row, lastColumn],
    };
    if (event.key === "Enter" || event.key === " ") {
      this.chosen(document.activeElement.closest("[role=gridcell]"));
    } else if (moves[event.key]) {
      this.go(...moves[event.key]);
    } else {
      return;
    }
    event.preventDefault();
  }

  /** Moves the focus, and what is in view with it. */
  go(row, column) {
    if (!this.rows.length) return;
    this.at = {
      row: Math.max(0, Math.min(row, this.rows.length - 1)),
      column: Math.max(0, Math.min(column, this.columns.length - 1)),
    };
    const top = this.at.row * ROW;
    const room = this.grid.clientHeight - this.head.offsetHeight;
    if (top < this.grid.scrollTop) this.grid.scrollTop = top;
    if (top + ROW > this.grid.scrollTop + room) this.grid.scrollTop = top + ROW - room;
    this.draw();
    this.focus();
  }

  /** Gives the focus back to where it was in the grid. */
  focus() {
    const element = this.elements.get(this.rows[this.at.row]?.id);
    const cell = element?.children[this.at.column + 1];
    cell?.focus({ preventScroll: true });
    cell?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
}

/** Every unit and those above them: whoever chooses one means what is below, too. */
function units(accounts) {
  const all = new Set();
  for (const { unit } of accounts) {
    const parts = unit.split("/");
    for (let length = unit.startsWith("/") ? 2 : 1; length <= parts.length; length += 1) {
      all.add(parts.slice(0, length).join("/"));
    }
  }
  return [...all].sort().map((unit) => [unit, unit]);
}

/** Offers these in a list; what was chosen stays so. */
function options(select, choices, all) {
  const offered = [[ALL, all], ...choices];
  if (select.dataset.offered === JSON.stringify(offered)) return;
  select.dataset.offered = JSON.stringify(offered);
  const chosen = select.value;
  select.replaceChildren(...offered.map(([value, text]) => el("option", { value }, text)));
  select.value = offered.some(([value]) => value === chosen) ? chosen : ALL;
}
