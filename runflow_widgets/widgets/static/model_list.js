/** @import { RenderProps } from "@anywidget/types" */

/**
 * One model of the list.
 * @typedef {{
 *   id: string, name: string, maker: string, category: string, purpose: string, price: string, amount: number | null,
 *   output: string, here: boolean, mask: boolean, image: boolean, featured: boolean,
 * }} Row
 */

/**
 * What is asked for besides words; what is missing does not matter.
 * @typedef {{
 *   category?: string, maker?: string, output?: string, most?: number, here?: boolean, mask?: boolean,
 *   image?: boolean, favourite?: boolean,
 * }} Filters
 */

/**
 * The traits this widget shares with Python.
 * @typedef {{
 *   rows: Row[],
 *   chosen: string,
 *   search: string,
 *   filters: Filters,
 *   order: string,
 *   favourites: string[],
 *   recent: string[],
 * }} Model
 */

/** The height of a row, in pixels; the style sheet has the same. */
export const ROW_PX = 48;
/** Rows beyond what is seen, above and below, so that scrolling shows no gap. */
const SPARE = 6;

/**
 * Everything of a model that words are looked for in.
 * @param {Row} row
 * @returns {string}
 */
export function haystack(row) {
  return `${row.id} ${row.name} ${row.maker} ${row.category} ${row.purpose}`.toLowerCase();
}

/**
 * Whether a model has all that is asked for.
 * @param {Row} row
 * @param {Filters} filters
 * @param {Set<string>} favourites
 * @returns {boolean}
 */
export function fits(row, filters, favourites) {
  if (filters.category && row.category !== filters.category) return false;
  if (filters.maker && row.maker !== filters.maker) return false;
  if (filters.output && row.output !== filters.output) return false;
  if (filters.most !== undefined && (row.amount === null || row.amount > filters.most))
    return false;
  if (filters.here && !row.here) return false;
  if (filters.mask && !row.mask) return false;
  if (filters.image && !row.image) return false;
  return !filters.favourite || favourites.has(row.id);
}

/**
 * The models that fit, in order: starred ones and the latest choices first while nothing is looked for.
 * @param {Row[]} rows
 * @param {string[]} texts what words are looked for in, row by row
 * @param {{ search: string, filters: Filters, order: string, favourites: string[], recent: string[] }} asked
 * @returns {Row[]}
 */
export function found(rows, texts, { search, filters, order, favourites, recent }) {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const starred = new Set(favourites);
  const fitting = rows.filter(
    (row, at) => words.every((word) => texts[at].includes(word)) && fits(row, filters, starred),
  );
  const price = (/** @type {Row} */ row) => row.amount ?? Number.POSITIVE_INFINITY;
  const rank = (/** @type {Row} */ row) => {
    if (words.length || order === "price") return 0;
    const latest = recent.indexOf(row.id);
    return latest >= 0 ? latest - 100 : starred.has(row.id) ? -50 : 0;
  };
  return fitting.sort(
    (one, other) =>
      rank(one) - rank(other) ||
      (order === "price" && price(one) !== price(other) ? price(one) - price(other) : 0) ||
      (one.id < other.id ? -1 : 1),
  );
}

/**
 * The different values of a column, the most frequent first.
 * @param {Row[]} rows
 * @param {"category" | "maker" | "output"} name
 * @returns {string[]}
 */
export function kinds(rows, name) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const row of rows) if (row[name]) counts.set(row[name], (counts.get(row[name]) ?? 0) + 1);
  return [...counts]
    .sort((one, other) => other[1] - one[1] || (one[0] < other[0] ? -1 : 1))
    .map(([kind]) => kind);
}

/**
 * Which rows are to be drawn for a place of the scroll bar.
 * @param {number} top
 * @param {number} height
 * @param {number} count
 * @returns {[number, number]}
 */
export function windowOf(top, height, count) {
  const first = Math.max(0, Math.floor(top / ROW_PX) - SPARE);
  return [first, Math.min(count, Math.ceil((top + height) / ROW_PX) + SPARE)];
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {string} name
 * @param {HTMLElement} parent
 * @param {Record<string, string>} attributes
 * @returns {HTMLElementTagNameMap[K]}
 */
function add(tag, name, parent, attributes = {}) {
  const element = document.createElement(tag);
  if (name) element.className = `rfw-pick-${name}`;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  // JupyterLab looks at the element that has the focus only; one above it does not count.
  if (element.tabIndex >= 0) element.dataset.lmSuppressShortcuts = "true";
  parent.append(element);
  return element;
}

/** @type {["here" | "image" | "mask" | "favourite", string][]} */
const SWITCHES = [
  ["here", "Runs here"],
  ["image", "Takes an image"],
  ["mask", "Takes a mask"],
  ["favourite", "★ Favourites"],
];

/** @type {[string, string][]} */
const PRICES = [
  ["", "Any price"],
  ["0.05", "up to $0.05"],
  ["0.2", "up to $0.20"],
  ["0.5", "up to $0.50"],
];

let count = 0;

/** One view of a picker. */
class PickerView {
  /** @param {RenderProps<Model>} props */
  constructor({ model, el }) {
    this.model = model;
    this.el = el;
    count += 1;
    this.id = `rfw-pick-${count}-${Math.random().toString(36).slice(2)}`;
    this.listening = new AbortController();
    /** @type {Row[]} */
    this.shown = [];
    this.active = 0;
    this.build();
    this.texts = model.get("rows").map(haystack);
    this.follow();
    this.listen();
    this.refresh();
  }

  build() {
    const { el, model } = this;
    el.classList.add("rfw-pick");
    const rows = model.get("rows");
    this.box = add("input", "search", el, {
      type: "search",
      placeholder: "Search models…",
      role: "combobox",
      "aria-expanded": "true",
      "aria-controls": `${this.id}-list`,
      "aria-label": "Search models",
      spellcheck: "false",
      autocomplete: "off",
    });
    const chips = add("div", "chips", el, { role: "group", "aria-label": "Filters" });
    /** @type {Record<string, HTMLButtonElement>} */
    this.switches = {};
    for (const [name, text] of SWITCHES) {
      const chip = add("button", "chip", chips, { type: "button", "aria-pressed": "false" });
      chip.textContent = text;
      this.switches[name] = chip;
    }
    /** @type {Record<string, HTMLSelectElement>} */
    this.selects = {};
    const select = (
      /** @type {string} */ name,
      /** @type {string} */ label,
      /** @type {[string, string][]} */ options,
    ) => {
      const one = add("select", "select", chips, { "aria-label": label });
      for (const [value, text] of options) add("option", "", one, { value }).textContent = text;
      this.selects[name] = one;
    };
    const named = (
      /** @type {"category" | "maker" | "output"} */ name,
      /** @type {string} */ all,
    ) =>
      select(name, all, [
        ["", all],
        .../** @type {[string, string][]} */ (kinds(rows, name).map((one) => [one, one])),
      ]);
    named("category", "Any category");
    named("maker", "Any maker");
    named("output", "Any output");
    select("most", "Most it may cost", PRICES);
    select("order", "Sorted by", [
      ["name", "by name"],
      ["price", "by price"],
    ]);
    this.list = add("div", "list", el, {
      role: "listbox",
      id: `${this.id}-list`,
      "aria-label": "Models",
      tabindex: "-1",
    });
    this.room = add("div", "room", this.list);
    this.says = add("div", "says", el, { role: "status" });
  }

  // -------------------------------------------------------------- what is shown

  /** @param {boolean} top whether to begin at the top again */
  refresh(top = false) {
    const { model } = this;
    const filters = model.get("filters");
    this.shown = found(model.get("rows"), this.texts, {
      search: model.get("search"),
      filters,
      order: model.get("order"),
      favourites: model.get("favourites"),
      recent: model.get("recent"),
    });
    if (this.box && this.box.value !== model.get("search")) this.box.value = model.get("search");
    for (const [name] of SWITCHES) {
      this.switches?.[name].setAttribute("aria-pressed", String(Boolean(filters[name])));
    }
    for (const name of /** @type {const} */ (["category", "maker", "output"])) {
      if (this.selects) this.selects[name].value = filters[name] ?? "";
    }
    if (this.selects) {
      this.selects.most.value = filters.most === undefined ? "" : String(filters.most);
      this.selects.order.value = model.get("order");
    }
    if (top) {
      this.active = 0;
      if (this.list) this.list.scrollTop = 0;
    }
    this.active = Math.min(this.active, Math.max(0, this.shown.length - 1));
    if (this.room) this.room.style.height = `${this.shown.length * ROW_PX}px`;
    const of = model.get("rows").length;
    const text = this.shown.length
      ? `${this.shown.length} of ${of} models`
      : "No model fits. Take a filter away, or use fewer words.";
    if (this.says && this.says.textContent !== text) this.says.textContent = text;
    this.draw();
  }

  /** Draw the rows that are in sight, and no others: thousands would make every key wait. */
  draw() {
    if (!this.list || !this.room) return;
    const [first, last] = windowOf(
      this.list.scrollTop,
      this.list.clientHeight || 320,
      this.shown.length,
    );
    this.room.replaceChildren();
    const starred = new Set(this.model.get("favourites"));
    const chosen = this.model.get("chosen");
    for (let at = first; at < last; at++) this.drawRow(this.shown[at], at, starred, chosen);
    this.box?.setAttribute(
      "aria-activedescendant",
      this.shown.length ? `${this.id}-${this.active}` : "",
    );
  }

  /**
   * @param {Row} row
   * @param {number} at
   * @param {Set<string>} starred
   * @param {string} chosen
   */
  drawRow(row, at, starred, chosen) {
    if (!this.room) return;
    const one = add("div", "row", this.room, {
      role: "option",
      id: `${this.id}-${at}`,
      "aria-selected": String(row.id === chosen),
      "aria-setsize": String(this.shown.length),
      "aria-posinset": String(at + 1),
    });
    one.classList.toggle("rfw-pick-active", at === this.active);
    one.style.top = `${at * ROW_PX}px`;
    one.dataset.id = row.id;
    const star = add("button", "star", one, {
      type: "button",
      tabindex: "-1",
      "aria-label": `Favourite ${row.id}`,
      "aria-pressed": String(starred.has(row.id)),
    });
    star.textContent = starred.has(row.id) ? "★" : "☆";
    const middle = add("div", "middle", one);
    const head = add("div", "head", middle);
    add("span", "id", head).textContent = row.id;
    add("span", "maker", head).textContent = row.maker;
    add("div", "purpose", middle, { title: row.purpose }).textContent = row.purpose || row.name;
    const side = add("div", "side", one);
    add("span", "price", side).textContent = row.price;
    if (row.here) add("span", "here", side).textContent = "runs here: free";
  }

  // -------------------------------------------------------------- what is done

  /** @param {string} id */
  choose(id) {
    this.model.set("chosen", id);
    this.model.save_changes();
    this.draw();
  }

  /** @param {string} id */
  star(id) {
    const before = this.model.get("favourites");
    const after = before.includes(id) ? before.filter((one) => one !== id) : [...before, id];
    this.model.set("favourites", after);
    this.model.save_changes();
  }

  /** @param {Partial<Filters>} change */
  filter(change) {
    const filters = { ...this.model.get("filters"), ...change };
    for (const [name, value] of Object.entries(filters)) {
      if (value === "" || value === false || value === undefined)
        delete filters[/** @type {keyof Filters} */ (name)];
    }
    this.model.set("filters", filters);
    this.model.save_changes();
    this.refresh(true);
  }

  /** @param {number} at */
  move(at) {
    if (!this.list || !this.shown.length) return;
    this.active = Math.min(Math.max(at, 0), this.shown.length - 1);
    const top = this.active * ROW_PX;
    if (top < this.list.scrollTop) this.list.scrollTop = top;
    const bottom = top + ROW_PX - this.list.clientHeight;
    if (bottom > this.list.scrollTop) this.list.scrollTop = bottom;
    this.draw();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.key === "Tab") return;
    event.stopPropagation();
    const inBox = event.target === this.box;
    const page = Math.max(1, Math.floor((this.list?.clientHeight ?? 320) / ROW_PX) - 1);
    const way = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page }[event.key];
    const active = this.shown[this.active];
    if (way && (inBox || event.target === this.list)) this.move(this.active + way);
    else if (event.key === "Enter" && inBox && active) this.choose(active.id);
    else if (event.key === "Escape") this.escape();
    else if (inBox && event.key === "s" && (event.ctrlKey || event.metaKey) && active)
      this.star(active.id);
    else return;
    event.preventDefault();
  }

  escape() {
    if (this.model.get("search")) {
      this.model.set("search", "");
      this.model.save_changes();
      this.refresh(true);
    } else if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
  }

  // -------------------------------------------------------------- wiring

  follow() {
    const { model } = this;
    const rows = () => {
      this.texts = model.get("rows").map(haystack);
      this.refresh(true);
    };
    const draw = () => this.draw();
    const refresh = () => this.refresh();
    const names = /** @type {const} */ (["search", "filters", "order", "favourites"]);
    model.on("change:rows", rows);
    model.on("change:chosen", draw);
    for (const name of names) model.on(`change:${name}`, refresh);
    this.unfollow = () => {
      model.off("change:rows", rows);
      model.off("change:chosen", draw);
      for (const name of names) model.off(`change:${name}`, refresh);
    };
  }

  listen() {
    const { model } = this;
    const { signal } = this.listening;
    const on = (
      /** @type {EventTarget | undefined} */ target,
      /** @type {string} */ name,
      /** @type {(event: any) => void} */ act,
    ) => target?.addEventListener(name, act, { signal });
    on(this.box, "input", () => {
      model.set("search", this.box?.value ?? "");
      model.save_changes();
      this.refresh(true);
    });
    for (const [name] of SWITCHES) {
      on(this.switches?.[name], "click", () =>
        this.filter({ [name]: !model.get("filters")[name] }),
      );
    }
    for (const name of /** @type {const} */ (["category", "maker", "output"])) {
      on(this.selects?.[name], "change", () => this.filter({ [name]: this.selects?.[name].value }));
    }
    on(this.selects?.most, "change", () => {
      const most = this.selects?.most.value;
      this.filter({ most: most ? Number(most) : undefined });
    });
    on(this.selects?.order, "change", () => {
      model.set("order", this.selects?.order.value ?? "name");
      model.save_changes();
      this.refresh(true);
    });
    on(this.list, "scroll", () => this.draw());
    on(this.list, "click", (event) => {
      const row = /** @type {HTMLElement | null} */ (event.target.closest(".rfw-pick-row"));
      if (!row?.dataset.id) return;
      if (event.target.closest(".rfw-pick-star")) this.star(row.dataset.id);
      else {
        this.active = this.shown.findIndex((one) => one.id === row.dataset.id);
        this.choose(row.dataset.id);
      }
      this.box?.focus({ preventScroll: true });
    });
    on(this.el, "keydown", (event) => this.key(event));
  }

  end() {
    this.listening.abort();
    this.unfollow?.();
  }
}

/**
 * @param {RenderProps<Model>} props
 * @returns {() => void}
 */
function render(props) {
  const view = new PickerView(props);
  return () => view.end();
}

export default { render };
