/** @import { RenderProps } from "@anywidget/types" */

/**
 * What else is asked for; what is missing does not matter.
 * @typedef {{
 *   model?: string, state?: string, starred?: boolean, since?: string, least?: number, most?: number,
 * }} Filters
 */

/**
 * An input that was brought into words: its name and its text.
 * @typedef {[string, string]} Told
 */

/** @typedef {{ code: string, sentence: string, advice: string }} Fault */
/** @typedef {{ name: string, path: string, there: boolean }} File */
/** @typedef {{ do?: string, text?: string, yes?: string }} Question */

/**
 * All that is known of the chosen run; empty while none is.
 * @typedef {{
 *   key?: string, title: string, starred: boolean, tone: string, facts: Told[], inputs: Told[], error: Partial<Fault>,
 *   files: File[], text: string, picture: boolean, saves: boolean, deletes: boolean, resumes: boolean, again: boolean, parts: string[],
 * }} Details
 */

/**
 * The traits this widget shares with Python.
 * @typedef {{
 *   search: string,
 *   filters: Filters,
 *   count: number,
 *   total: number,
 *   version: number,
 *   models: string[],
 *   selected: string,
 *   details: Details,
 *   picture: DataView,
 *   code: string,
 *   pair: string[],
 *   pair_names: string[],
 *   totals: string,
 *   sums: string[][],
 *   says: string,
 *   failed: boolean,
 *   ask: Question,
 *   beneath: string,
 * }} Model
 */

/**
 * How many of how many runs are shown, in words.
 * @param {number} count
 * @param {number} total
 * @returns {string}
 */
export function countText(count, total) {
  if (total === 0) return "No runs yet: whatever is run appears here.";
  if (count === 0) return "No run fits. Take a filter away, or use fewer words.";
  return count === total ? `${total} run${total === 1 ? "" : "s"}` : `${count} of ${total} runs`;
}

/** The height of a card and the space between cards, in pixels; the style sheet has the same height. */
export const CARD_PX = 212;
export const GAP_PX = 8;
/** The narrowest card: two of them stand side by side on 320 px. */
const NARROWEST_PX = 132;
/** Lines of cards beyond what is seen, above and below, so that scrolling shows no gap. */
const SPARE = 1;
/** So many small pictures are held; the ones that were longest not seen go first. */
const MOST_THUMBS = 600;
const TALLEST_PX = 460;

/**
 * How many cards stand side by side.
 * @param {number} width
 * @returns {number}
 */
export function columnsOf(width) {
  return Math.max(1, Math.floor((width + GAP_PX) / (NARROWEST_PX + GAP_PX)));
}

/**
 * Where a card stands.
 * @param {number} at
 * @param {number} columns
 * @param {number} width
 * @returns {{ left: number, top: number, width: number }}
 */
export function placeOf(at, columns, width) {
  const each = (width - GAP_PX * (columns - 1)) / columns;
  return {
    left: (at % columns) * (each + GAP_PX),
    top: Math.floor(at / columns) * (CARD_PX + GAP_PX),
    width: each,
  };
}

/**
 * How high all cards together are.
 * @param {number} count
 * @param {number} columns
 * @returns {number}
 */
export function roomFor(count, columns) {
  const lines = Math.ceil(count / columns);
  return lines ? lines * (CARD_PX + GAP_PX) - GAP_PX : 0;
}

/**
 * Which cards are to be drawn for a place of the scroll bar.
 * @param {number} top
 * @param {number} height
 * @param {number} count
 * @param {number} columns
 * @returns {[number, number]}
 */
export function windowOf(top, height, count, columns) {
  const line = CARD_PX + GAP_PX;
  const first = Math.max(0, Math.floor(top / line) - SPARE);
  const last = Math.ceil((top + height) / line) + SPARE;
  return [Math.min(count, first * columns), Math.min(count, last * columns)];
}

/**
 * Where a key leads to from a card; null if it is no key for that.
 * @param {string} key
 * @param {number} at
 * @param {{ columns: number, count: number, lines: number }} grid with the lines that are seen at once
 * @returns {number | null}
 */
export function moved(key, at, { columns, count, lines }) {
  const steps = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -columns,
    ArrowDown: columns,
    PageUp: -columns * lines,
    PageDown: columns * lines,
    Home: -count,
    End: count,
  };
  const step = steps[/** @type {keyof typeof steps} */ (key)];
  if (step === undefined) return null;
  const goal = at + step;
  // Up from the first line and down from the last stay where they are; only a page goes to the end.
  if ((key === "ArrowUp" && goal < 0) || (key === "ArrowDown" && goal >= count)) return at;
  return Math.min(Math.max(goal, 0), Math.max(0, count - 1));
}

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/**
 * When something was, as short as it is clear: "14:03", "21 Nov 14:03", "21 Nov 2025".
 * @param {number} seconds
 * @param {Date} now
 * @returns {string}
 */
export function whenText(seconds, now) {
  if (!seconds) return "";
  const when = new Date(seconds * 1000);
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  const clock = `${two(when.getHours())}:${two(when.getMinutes())}`;
  if (when.toDateString() === now.toDateString()) return clock;
  const day = `${when.getDate()} ${MONTHS[when.getMonth()]}`;
  return when.getFullYear() === now.getFullYear()
    ? `${day} ${clock}`
    : `${day} ${when.getFullYear()}`;
}

/**
 * How long something takes that began at a moment: "12 s", "2 min 5 s".
 * @param {number} seconds
 * @param {Date} now
 * @returns {string}
 */
export function sinceText(seconds, now) {
  const whole = Math.max(0, Math.round(now.getTime() / 1000 - seconds));
  if (whole < 60) return `${whole} s`;
  return whole < 3600 ? `${Math.floor(whole / 60)} min ${whole % 60} s` : "over an hour";
}

/**
 * The filters with a change, and without what asks for nothing.
 * @param {Filters} filters
 * @param {Partial<Filters>} change
 * @returns {Filters}
 */
export function changed(filters, change) {
  const entries = Object.entries({ ...filters, ...change });
  return Object.fromEntries(
    entries.filter(([, value]) => value !== undefined && value !== "" && value !== false),
  );
}

/** @type {[string, string, Partial<Filters>][]} */
const COSTS = [
  ["", "Any cost", { least: undefined, most: undefined }],
  ["free", "free", { least: undefined, most: 0 }],
  ["0.05", "up to $0.05", { least: undefined, most: 0.05 }],
  ["0.2", "up to $0.20", { least: undefined, most: 0.2 }],
  ["over", "from $0.20", { least: 0.2, most: undefined }],
];

/**
 * Which of the costs to choose from the filters ask for.
 * @param {Filters} filters
 * @returns {string}
 */
export function costAsked({ least, most }) {
  const same = COSTS.find(([, , one]) => one.least === least && one.most === most);
  return same ? same[0] : "";
}

/**
 * One run of the list.
 * @typedef {{
 *   key: string, model: string, state: string, tone: string, when: number, cost: string, took: string,
 *   starred: boolean, kind: string, files: number, thumb: number,
 * }} Row
 */

/**
 * Everything that a screen reader says of a card.
 * @param {Row} row
 * @param {Date} now
 * @returns {string}
 */
export function cardLabel(row, now) {
  const parts = [row.model, row.state, whenText(row.when, now), row.took, row.cost];
  if (row.starred) parts.push("starred");
  if (row.files > 1) parts.push(`${row.files} files`);
  return parts.filter(Boolean).join(", ");
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
  if (name) element.className = `rfw-gal-${name}`;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  // JupyterLab looks at the element that has the focus only; one above it does not count.
  if (element.tabIndex >= 0 || attributes.tabindex) element.dataset.lmSuppressShortcuts = "true";
  parent.append(element);
  return element;
}

/**
 * @param {string} text
 * @param {HTMLElement} parent
 * @param {string} name
 * @returns {HTMLButtonElement}
 */
function button(text, parent, name = "button") {
  const one = add("button", name, parent, { type: "button" });
  one.textContent = text;
  return one;
}

/**
 * @param {DataView | undefined} data
 * @param {string} type
 * @returns {string} an address of it, or "" of nothing
 */
function urlOf(data, type) {
  if (!data?.byteLength) return "";
  // Copied: the view's buffer is replaced when the trait changes.
  const bytes = new Uint8Array(data.byteLength);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return URL.createObjectURL(new Blob([bytes], { type }));
}

/** @type {[string, string][]} */
const STATES = [
  ["", "Any state"],
  ["done", "Done"],
  ["open", "Not over"],
  ["failed", "Failed"],
  ["cancelled", "Cancelled"],
];
/** @type {[string, string][]} */
const PERIODS = [
  ["", "Any time"],
  ["today", "Today"],
  ["week", "Last 7 days"],
  ["month", "Last 30 days"],
];
/** @type {[string, string][]} */
const LANGUAGES = [
  ["python", "Python"],
  ["python-await", "Python, await"],
  ["curl", "curl"],
  ["javascript", "JavaScript"],
];

/**
 * What stands on a card in place of a picture.
 * @param {Row} row
 * @param {boolean} hopeless whether the picture cannot be opened
 * @returns {string}
 */
export function inPlace({ kind, tone }, hopeless) {
  const known = { film: "Film", file: "File", deleted: "Deleted here", image: "…" };
  if (kind) return hopeless ? "No preview" : known[/** @type {keyof typeof known} */ (kind)];
  return { going: "…", open: "Not here yet", failed: "✕" }[tone] ?? "";
}

let count = 0;

/** One view of a gallery. */
class GalleryView {
  /** @param {RenderProps<Model>} props */
  constructor({ model, el }) {
    this.model = model;
    this.el = el;
    count += 1;
    this.id = `rfw-gal-${count}-${Math.random().toString(36).slice(2)}`;
    this.listening = new AbortController();
    /** @type {Map<number, Row>} */
    this.rows = new Map();
    /** @type {Map<string, string>} */
    this.thumbs = new Map();
    /** @type {Map<number, HTMLElement>} */
    this.cards = new Map();
    /** @type {Set<string>} */
    this.pressed = new Set();
    this.active = 0;
    /** Whether a card is pressed: as long as it is, nothing is drawn, or the press would be lost. */
    this.held = false;
    this.late = false;
    /** Whether other runs are asked for: the old ones stay until they come, so that nothing flickers. */
    this.outdated = false;
    this.asked = "";
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.looking = undefined;
    this.lastWidth = -1;
    this.opening = false;
    /** @type {string | undefined} */
    this.shownKey = undefined;
    this.pictureUrl = "";
    this.shownDetails = "";
    this.parts = this.build();
    this.side = this.buildSide();
    this.foot = this.buildFoot();
    this.follow();
    this.listen();
    this.refresh();
    this.tell();
    this.showDetails();
    this.showPicture();
    // What other kernels did while nobody looked.
    this.send({ do: "refresh" });
  }

  // -------------------------------------------------------------- what stands there

  build() {
    const { el } = this;
    el.classList.add("rfw-gal");
    const top = add("div", "top", el);
    const search = add("input", "search", top, {
      type: "search",
      placeholder: "Search prompts, models, ids…",
      "aria-label": "Search runs",
      spellcheck: "false",
      autocomplete: "off",
    });
    const refresh = button("↻", top, "refresh");
    refresh.setAttribute("aria-label", "Refresh: look for runs of other kernels");
    refresh.title = "Look for runs of other kernels";
    const chips = add("div", "chips", el, { role: "group", "aria-label": "Filters" });
    const star = button("★ Starred", chips, "chip");
    const select = (/** @type {string} */ label, /** @type {[string, string][]} */ options) => {
      const one = add("select", "select", chips, { "aria-label": label });
      for (const [value, text] of options) add("option", "", one, { value }).textContent = text;
      return one;
    };
    const models = select("Model", [["", "Any model"]]);
    const state = select("State", STATES);
    const since = select("Time", PERIODS);
    const cost = select(
      "Cost",
      COSTS.map(([value, text]) => [value, text]),
    );
    const body = add("div", "body", el);
    const list = add("div", "list", body, {
      role: "listbox",
      tabindex: "0",
      "aria-label": "Runs: arrow keys move, Enter opens, s stars, a and b pick two to compare",
    });
    const room = add("div", "room", list);
    const empty = add("div", "empty", list);
    return { search, refresh, star, models, state, since, cost, body, list, room, empty };
  }

  buildSide() {
    const side = add("section", "side", this.parts.body, { "aria-label": "The chosen run" });
    side.hidden = true;
    const head = add("div", "sidehead", side);
    const star = button("☆", head, "star");
    const title = add("h3", "title", head, { tabindex: "-1" });
    const close = button("✕", head, "close");
    close.setAttribute("aria-label", "Close the details");
    const picture = add("img", "picture", side, { alt: "First result of the run" });
    const acts = add("div", "acts", side, { role: "group", "aria-label": "What to do with it" });
    const named = (/** @type {string} */ text) => button(text, acts);
    const buttons = {
      save: named("Save"),
      a: named("Compare as A"),
      b: named("Compare as B"),
      pad: named("To a mask pad"),
      all: named("To a form"),
      seed: named("Only the seed"),
      prompt: named("Only the prompt"),
      again: named("Run again"),
      resume: named("Resume"),
      code: named("Code"),
      copy: named("Copy details"),
      delete: named("Delete local copy…"),
    };
    const ask = add("div", "ask", side, { role: "alertdialog", "aria-label": "Question" });
    const question = add("div", "question", ask);
    const yes = button("Yes", ask);
    const no = button("Cancel", ask);
    const code = add("div", "code", side);
    const language = add("select", "select", code, { "aria-label": "Language" });
    for (const [value, text] of LANGUAGES)
      add("option", "", language, { value }).textContent = text;
    const copyCode = button("Copy", code);
    const pre = add("pre", "pre", code, { tabindex: "0", "aria-label": "Code of the run" });
    const error = add("div", "error", side);
    const facts = add("dl", "facts", side);
    const files = add("div", "files", side);
    const inputs = add("dl", "facts", side, { "aria-label": "Inputs" });
    return {
      side,
      star,
      title,
      close,
      picture,
      buttons,
      ask,
      question,
      yes,
      no,
      code,
      language,
      copyCode,
      pre,
      error,
      facts,
      files,
      inputs,
    };
  }

  buildFoot() {
    const { el } = this;
    const says = add("div", "says", el, { role: "status" });
    const pair = add("div", "pair", el);
    const pairText = add("span", "pairtext", pair);
    const compare = button("Compare", pair);
    const unpick = button("Clear", pair);
    const foot = add("div", "foot", el);
    const counted = add("span", "counted", foot, { role: "status" });
    const totals = add("span", "totals", foot);
    const byModel = button("By model", foot, "link");
    byModel.setAttribute("aria-expanded", "false");
    const sums = add("table", "sums", el, { "aria-label": "Spent this month, by model" });
    sums.hidden = true;
    const beneath = add("div", "beneath", el);
    const beneathText = add("span", "", beneath);
    const closeBelow = button("Close it", beneath);
    return {
      says,
      pair,
      pairText,
      compare,
      unpick,
      counted,
      totals,
      byModel,
      sums,
      beneath,
      beneathText,
      closeBelow,
    };
  }

  // -------------------------------------------------------------- the cards

  get columns() {
    return columnsOf(this.width);
  }

  get width() {
    return Math.max(NARROWEST_PX, this.parts.list.clientWidth - 2 * GAP_PX);
  }

  refresh() {
    const { list, room, empty } = this.parts;
    const found = this.model.get("count");
    const text = countText(found, this.model.get("total"));
    if (this.foot.counted.textContent !== text) this.foot.counted.textContent = text;
    if (this.waits()) return;
    const height = roomFor(found, this.columns);
    room.style.height = `${height}px`;
    list.style.height = `${Math.min(TALLEST_PX, Math.max(height, 60) + 2 * GAP_PX + 2)}px`;
    room.hidden = found === 0;
    empty.textContent = found ? "" : text;
    empty.hidden = found > 0;
    for (const at of this.rows.keys()) if (at >= found) this.rows.delete(at);
    this.active = Math.min(this.active, Math.max(0, found - 1));
    this.draw(true);
  }

  /**
   * Draw the cards that are in sight, and no others; those that stay are not made anew.
   * @param {boolean} all whether those that are there are written anew as well
   */
  draw(all = false) {
    if (this.waits()) return;
    const { list, room } = this.parts;
    const { columns, width } = this;
    const seen = list.clientHeight || TALLEST_PX;
    const [first, last] = windowOf(list.scrollTop, seen, this.model.get("count"), columns);
    for (const [at, card] of this.cards) {
      if (at >= first && at < last) continue;
      card.remove();
      this.cards.delete(at);
    }
    for (let at = first; at < last; at++) {
      const known = this.cards.get(at);
      if (known && !all) continue;
      const card = known ?? add("div", "card", room, { role: "option", id: `${this.id}-${at}` });
      this.cards.set(at, card);
      const place = placeOf(at, columns, width);
      card.style.left = `${place.left}px`;
      card.style.top = `${place.top}px`;
      card.style.width = `${place.width}px`;
      this.fill(card, at);
    }
    list.setAttribute("aria-activedescendant", last > first ? `${this.id}-${this.active}` : "");
    this.look(first, last);
  }

  /**
   * @param {HTMLElement} card
   * @param {number} at
   */
  fill(card, at) {
    const row = this.rows.get(at);
    card.classList.toggle("rfw-gal-active", at === this.active);
    card.setAttribute("aria-setsize", String(this.model.get("count")));
    card.setAttribute("aria-posinset", String(at + 1));
    card.setAttribute("aria-selected", String(row?.key === this.model.get("selected") && !!row));
    card.dataset.at = String(at);
    card.dataset.key = row?.key ?? "";
    card.dataset.tone = row?.tone ?? "";
    if (!row) {
      card.replaceChildren();
      card.setAttribute("aria-label", "Loading");
      return;
    }
    const now = new Date();
    const thumb = row.kind === "image" ? this.thumbs.get(row.key) : undefined;
    card.setAttribute("aria-label", cardLabel(row, now));
    card.replaceChildren();
    const frame = add("div", "thumb", card);
    if (thumb) add("img", "", frame, { alt: "", src: thumb, draggable: "false" });
    else add("span", "kind", frame).textContent = inPlace(row, thumb === "");
    if (row.files > 1) add("span", "many", frame).textContent = `${row.files} files`;
    const star = add("button", "star", frame, {
      type: "button",
      tabindex: "-1",
      "aria-label": `Star ${row.model}`,
      "aria-pressed": String(row.starred),
    });
    star.textContent = row.starred ? "★" : "☆";
    const slot = this.model.get("pair").indexOf(row.key);
    if (slot >= 0) add("span", "badge", frame).textContent = "AB"[slot];
    const [owner, ...rest] = row.model.split("/");
    const name = add("div", "name", card, { title: row.model });
    name.textContent = rest.join("/") || owner;
    add("div", "state", card, { title: row.state }).textContent = row.state;
    const line = add("div", "line", card);
    add("span", "", line).textContent = whenText(row.when, now);
    add("span", "took", line).textContent =
      row.tone === "going" ? sinceText(row.when, now) : row.took;
    add("span", "cost", line, { title: row.cost }).textContent = row.cost;
  }

  /** Write the cards of some runs anew. */
  refill(/** @type {(row: Row) => boolean} */ which) {
    if (this.waits()) return;
    for (const [at, card] of this.cards) {
      const row = this.rows.get(at);
      if (row && which(row)) this.fill(card, at);
    }
  }

  /** Whether nothing is to be drawn now, but later: the card that is pressed would change, move or go. */
  waits() {
    this.late ||= this.held;
    return this.held;
  }

  letGo() {
    if (!this.held) return;
    this.held = false;
    // The click comes right after this, and is still of the card as it was.
    setTimeout(() => {
      if (this.late) this.refresh();
      this.late = false;
    });
  }

  /**
   * Ask for what is in sight; while one scrolls, only for where it ends.
   * @param {number} first
   * @param {number} last
   */
  look(first, last) {
    const asked = `${this.model.get("version")} ${first} ${last}`;
    if (asked === this.asked || last <= first) return;
    clearTimeout(this.looking);
    this.looking = setTimeout(() => {
      this.asked = asked;
      const have = [];
      for (let at = Math.max(0, first - 12); at < last + 12; at++) {
        const key = this.rows.get(at)?.key;
        if (key && this.thumbs.has(key)) have.push(key);
      }
      this.send({ do: "look", first, last, have });
    }, 50);
  }

  /**
   * @param {any} message
   * @param {DataView[]} buffers
   */
  hear(message, buffers) {
    if (message.kind === "rows") {
      if (this.outdated) this.rows.clear();
      this.outdated = false;
      message.rows.forEach((/** @type {Row} */ row, /** @type {number} */ index) => {
        this.rows.set(message.first + index, row);
        if (row.thumb >= 0) this.keepThumb(row.key, buffers[row.thumb]);
      });
      this.draw(true);
    } else if (message.kind === "thumb") {
      this.keepThumb(message.key, buffers[0]);
      this.refill((row) => row.key === message.key);
    } else if (message.kind === "file") this.saveAs(buffers[0], message.name, message.mime);
    else if (message.kind === "heard") {
      this.pressed.delete(message.press);
      this.tell();
    }
  }

  /**
   * @param {string} key
   * @param {DataView} data
   */
  keepThumb(key, data) {
    const before = this.thumbs.get(key);
    if (before) URL.revokeObjectURL(before);
    this.thumbs.delete(key);
    this.thumbs.set(key, urlOf(data, "image/webp"));
    const shown = new Set([...this.cards.keys()].map((at) => this.rows.get(at)?.key));
    for (const [old, url] of this.thumbs) {
      if (this.thumbs.size <= MOST_THUMBS) break;
      if (shown.has(old)) continue;
      if (url) URL.revokeObjectURL(url);
      this.thumbs.delete(old);
    }
  }

  /**
   * @param {DataView} data
   * @param {string} name
   * @param {string} mime
   */
  saveAs(data, name, mime) {
    const link = document.createElement("a");
    link.href = urlOf(data, mime);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  // -------------------------------------------------------------- the chosen run

  showDetails() {
    const { side, foot } = this;
    const details = this.model.get("details");
    const written = JSON.stringify(details);
    if (written === this.shownDetails) return;
    const before = this.shownKey;
    this.shownDetails = written;
    this.shownKey = details.key;
    side.side.hidden = !details.key;
    this.refill(() => true);
    if (!details.key) return;
    side.side.dataset.tone = details.tone;
    side.title.textContent = details.title;
    side.star.textContent = details.starred ? "★" : "☆";
    side.star.setAttribute("aria-label", `Star ${details.title}`);
    side.star.setAttribute("aria-pressed", String(details.starred));
    this.list(side.facts, details.facts);
    this.list(side.inputs, details.inputs);
    side.error.replaceChildren();
    side.error.hidden = !details.error.sentence;
    if (details.error.sentence) {
      add("strong", "", side.error).textContent = details.error.code ?? "";
      add("p", "", side.error).textContent = details.error.sentence;
      add("p", "", side.error).textContent = details.error.advice ?? "";
    }
    side.files.replaceChildren();
    for (const file of details.files) {
      add("div", "file", side.files).textContent = file.there ? file.path : `${file.path} (gone)`;
    }
    const { buttons } = side;
    buttons.save.hidden = !details.saves;
    buttons.save.textContent =
      details.files.length > 1 ? `Save ${details.files.length} files` : "Save";
    buttons.a.hidden = buttons.b.hidden = buttons.pad.hidden = !details.picture;
    buttons.resume.hidden = !details.resumes;
    buttons.delete.hidden = !details.deletes;
    buttons.seed.hidden = !details.parts.includes("seed");
    buttons.prompt.hidden = !details.parts.includes("prompt");
    this.tell();
    if (details.key !== before && this.opening) side.title.focus({ preventScroll: true });
    this.opening = false;
    foot.says.scrollTop = 0;
  }

  /**
   * @param {HTMLElement} into
   * @param {Told[]} pairs
   */
  list(into, pairs) {
    into.replaceChildren();
    for (const [name, text] of pairs) {
      add("dt", "", into).textContent = name;
      add("dd", "", into).textContent = text;
    }
    into.hidden = pairs.length === 0;
  }

  showPicture() {
    const { picture } = this.side;
    if (this.pictureUrl) URL.revokeObjectURL(this.pictureUrl);
    this.pictureUrl = urlOf(this.model.get("picture"), "image/webp");
    if (this.pictureUrl) picture.src = this.pictureUrl;
    picture.hidden = !this.pictureUrl;
  }

  /** Write what stands in the search box, the chips, the foot and on the buttons. */
  tell() {
    const { model, parts, side, foot } = this;
    const filters = model.get("filters");
    if (parts.search.value !== model.get("search")) parts.search.value = model.get("search");
    const models = [...parts.models.options].slice(1).map((option) => option.value);
    if (models.join("\n") !== model.get("models").join("\n")) {
      for (const option of [...parts.models.options].slice(1)) option.remove();
      for (const one of model.get("models"))
        add("option", "", parts.models, { value: one }).textContent = one;
    }
    parts.models.value = filters.model ?? "";
    parts.state.value = filters.state ?? "";
    parts.since.value = filters.since ?? "";
    parts.cost.value = costAsked(filters);
    parts.star.setAttribute("aria-pressed", String(Boolean(filters.starred)));
    for (const one of [parts.models, parts.state, parts.since, parts.cost])
      one.classList.toggle("rfw-gal-set", one.value !== "");
    const [a, b] = model.get("pair");
    const [nameA, nameB] = model.get("pair_names");
    foot.pair.hidden = !a && !b;
    foot.pairText.textContent = `A: ${nameA || "pick one"}   B: ${nameB || "pick one"}`;
    foot.compare.disabled = !a || !b;
    const { key } = model.get("details");
    side.buttons.a.setAttribute("aria-pressed", String(Boolean(key) && a === key));
    side.buttons.b.setAttribute("aria-pressed", String(Boolean(key) && b === key));
    side.buttons.again.hidden = !model.get("details").again;
    // Off from the press on until the kernel has heard it: one press is one run.
    side.buttons.again.disabled = side.buttons.resume.disabled = this.pressed.size > 0;
    const ask = model.get("ask");
    const asks = side.ask.hidden && Boolean(ask.text);
    side.ask.hidden = !ask.text;
    side.question.textContent = ask.text ?? "";
    side.yes.textContent = ask.yes ?? "Yes";
    side.yes.disabled = this.pressed.size > 0;
    // A button that was pressed may be off by now, and then nothing has the keys.
    if (asks && (this.pressed.size || side.side.contains(document.activeElement))) side.no.focus();
    side.code.hidden = !model.get("code");
    side.buttons.code.setAttribute("aria-expanded", String(Boolean(model.get("code"))));
    if (side.pre.textContent !== model.get("code")) side.pre.textContent = model.get("code");
    if (foot.says.textContent !== model.get("says")) foot.says.textContent = model.get("says");
    foot.says.classList.toggle("rfw-gal-bad", model.get("failed"));
    foot.says.hidden = !model.get("says");
    foot.totals.textContent = model.get("totals");
    foot.sums.replaceChildren();
    for (const cells of model.get("sums")) {
      const line = add("tr", "", foot.sums);
      for (const cell of cells) add("td", "", line).textContent = cell;
    }
    if (!model.get("sums").length)
      add("caption", "", foot.sums).textContent = "Nothing was spent this month.";
    foot.beneath.hidden = !model.get("beneath");
    foot.beneathText.textContent = `${model.get("beneath")} opened below.`;
  }

  // -------------------------------------------------------------- what is done

  /** @param {Record<string, unknown>} message */
  send(message) {
    this.model.send(message);
  }

  /**
   * Send what must happen once for each press, whatever is told twice.
   * @param {Record<string, unknown>} message
   */
  press(message) {
    const press = crypto.randomUUID?.() ?? `${Math.random()}`;
    this.pressed.add(press);
    this.send({ ...message, press });
    this.tell();
  }

  /** @param {string} key */
  choose(key) {
    this.opening = key !== "";
    this.send({ do: "choose", key });
  }

  closeDetails() {
    if (!this.model.get("selected")) return;
    this.choose("");
    this.parts.list.focus({ preventScroll: true });
  }

  /** @param {Partial<Filters>} change */
  filter(change) {
    this.model.set("filters", changed(this.model.get("filters"), change));
    this.model.save_changes();
    this.begin();
  }

  begin() {
    this.outdated = true;
    this.active = 0;
    this.parts.list.scrollTop = 0;
    this.tell();
  }

  /** @param {number} at */
  move(at) {
    const { list } = this.parts;
    const before = this.active;
    this.active = at;
    const { top } = placeOf(at, this.columns, this.width);
    if (top < list.scrollTop) list.scrollTop = top;
    const bottom = top + CARD_PX + 2 * GAP_PX - list.clientHeight;
    if (bottom > list.scrollTop) list.scrollTop = bottom;
    this.draw();
    for (const one of [before, at]) {
      const card = this.cards.get(one);
      if (card) this.fill(card, one);
    }
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.key === "Tab") return;
    event.stopPropagation();
    const { list, search } = this.parts;
    if (event.key === "Escape") this.escape(event);
    if (event.target !== list || event.ctrlKey || event.metaKey || event.altKey) {
      if (event.target === search && event.key === "ArrowDown") list.focus();
      else return;
      event.preventDefault();
      return;
    }
    const lines = Math.max(1, Math.floor(list.clientHeight / (CARD_PX + GAP_PX)));
    const goal = moved(event.key, this.active, {
      columns: this.columns,
      count: this.model.get("count"),
      lines,
    });
    const row = this.rows.get(this.active);
    if (goal !== null) this.move(goal);
    else if ((event.key === "Enter" || event.key === " ") && row) this.choose(row.key);
    else if (event.key === "s" && row) this.press({ do: "star", key: row.key });
    else if (event.key === "a" && row) this.press({ do: "pick", key: row.key, slot: 0 });
    else if (event.key === "b" && row) this.press({ do: "pick", key: row.key, slot: 1 });
    else if (event.key === "/") search.focus();
    else return;
    event.preventDefault();
  }

  /** @param {KeyboardEvent} event */
  escape(event) {
    const { model, parts } = this;
    event.preventDefault();
    if (model.get("ask").text) this.press({ do: "no" });
    else if (event.target === parts.search && model.get("search")) {
      model.set("search", "");
      model.save_changes();
      this.begin();
    } else if (model.get("selected")) this.closeDetails();
    else if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
  }

  /**
   * @param {HTMLButtonElement} one
   * @param {string} text
   * @param {HTMLElement} source
   */
  async copy(one, text, source) {
    const before = one.textContent;
    try {
      await navigator.clipboard.writeText(text);
      one.textContent = "Copied";
    } catch {
      // No permission, or no secure page: mark it, so that Ctrl+C does it.
      getSelection()?.selectAllChildren(source);
      one.textContent = "Press Ctrl+C";
    }
    setTimeout(() => {
      one.textContent = before;
    }, 1600);
  }

  // -------------------------------------------------------------- wiring

  follow() {
    const { model } = this;
    /** @type {[string, () => void][]} */
    const changes = [
      ["version", () => this.refresh()],
      ["count", () => this.refresh()],
      ["selected", () => this.refill(() => true)],
      ["details", () => this.showDetails()],
      ["picture", () => this.showPicture()],
      ["pair", () => this.refill(() => true)],
    ];
    const names = ["search", "filters", "models", "code", "pair", "pair_names", "totals", "sums"];
    for (const name of [...names, "says", "failed", "ask", "beneath"])
      changes.push([name, () => this.tell()]);
    const hear = (/** @type {any} */ message, /** @type {DataView[]} */ buffers) =>
      this.hear(message, buffers);
    for (const [name, act] of changes) model.on(`change:${name}`, act);
    model.on("msg:custom", hear);
    this.unfollow = () => {
      for (const [name, act] of changes) model.off(`change:${name}`, act);
      model.off("msg:custom", hear);
    };
  }

  listen() {
    const { model, parts, side, foot } = this;
    const { signal } = this.listening;
    const on = (
      /** @type {EventTarget} */ target,
      /** @type {string} */ name,
      /** @type {(event: any) => void} */ act,
    ) => target.addEventListener(name, act, { signal });
    on(parts.search, "input", () => {
      model.set("search", parts.search.value);
      model.save_changes();
      this.begin();
    });
    on(parts.refresh, "click", () => this.send({ do: "refresh" }));
    on(parts.star, "click", () => this.filter({ starred: !model.get("filters").starred }));
    on(parts.models, "change", () => this.filter({ model: parts.models.value }));
    on(parts.state, "change", () => this.filter({ state: parts.state.value }));
    on(parts.since, "change", () => this.filter({ since: parts.since.value }));
    on(parts.cost, "change", () => {
      this.filter(COSTS.find(([value]) => value === parts.cost.value)?.[2] ?? {});
    });
    on(parts.list, "scroll", () => this.draw());
    on(parts.list, "click", (event) => this.clicked(event.target));
    on(parts.list, "pointerdown", (event) => {
      this.held = Boolean(event.target.closest(".rfw-gal-card"));
    });
    for (const name of ["pointerup", "pointercancel", "blur"]) on(window, name, () => this.letGo());
    on(this.el, "keydown", (event) => this.key(event));
    this.listenToSide();
    on(foot.compare, "click", () => this.press({ do: "compare" }));
    on(foot.unpick, "click", () => this.press({ do: "unpick" }));
    on(foot.closeBelow, "click", () => this.press({ do: "close" }));
    on(foot.byModel, "click", () => {
      foot.sums.hidden = !foot.sums.hidden;
      foot.byModel.setAttribute("aria-expanded", String(!foot.sums.hidden));
      if (!foot.sums.hidden) this.send({ do: "sums" });
    });
    on(document, "visibilitychange", () => {
      if (!document.hidden) this.send({ do: "refresh" });
    });
    this.ticking = setInterval(() => this.refill((row) => row.tone === "going"), 1000);
    this.sized = new ResizeObserver(() => {
      if (this.lastWidth === parts.list.clientWidth) return;
      this.lastWidth = parts.list.clientWidth;
      this.refresh();
    });
    this.sized.observe(parts.list);
    on(side.side, "dragstart", (event) => event.preventDefault());
  }

  listenToSide() {
    const { model, side } = this;
    const { signal } = this.listening;
    const on = (/** @type {HTMLElement} */ target, /** @type {() => void} */ act) =>
      target.addEventListener("click", act, { signal });
    const { buttons } = side;
    const key = () => model.get("details").key ?? "";
    on(side.close, () => this.closeDetails());
    on(side.star, () => this.press({ do: "star", key: key() }));
    on(buttons.save, () => {
      const files = model.get("details").files.filter((file) => file.there);
      files.forEach((_, index) => {
        this.send({ do: "file", key: key(), index });
      });
    });
    on(buttons.a, () => this.press({ do: "pick", key: key(), slot: 0 }));
    on(buttons.b, () => this.press({ do: "pick", key: key(), slot: 1 }));
    on(buttons.pad, () => this.press({ do: "pad" }));
    for (const part of /** @type {const} */ (["all", "seed", "prompt"])) {
      on(buttons[part], () => this.press({ do: "form", part }));
    }
    on(buttons.again, () => this.press({ do: "again" }));
    on(buttons.resume, () => this.press({ do: "resume" }));
    on(buttons.delete, () => this.press({ do: "delete" }));
    on(side.yes, () => this.press({ do: "yes" }));
    on(side.no, () => this.press({ do: "no" }));
    on(buttons.code, () => {
      if (model.get("code")) {
        model.set("code", "");
        model.save_changes();
      } else this.send({ do: "code", language: side.language.value });
    });
    side.language.addEventListener(
      "change",
      () => this.send({ do: "code", language: side.language.value }),
      { signal },
    );
    on(side.copyCode, () => void this.copy(side.copyCode, model.get("code"), side.pre));
    on(buttons.copy, () => {
      void this.copy(buttons.copy, model.get("details").text, side.facts);
    });
  }

  /** @param {HTMLElement} target */
  clicked(target) {
    const card = /** @type {HTMLElement | null} */ (target.closest(".rfw-gal-card"));
    if (!card?.dataset.key) return;
    if (target.closest(".rfw-gal-star")) this.press({ do: "star", key: card.dataset.key });
    else {
      const before = this.cards.get(this.active);
      const old = this.active;
      const { key } = card.dataset;
      // It may have moved on while it was pressed.
      const now = [...this.rows].find(([, row]) => row.key === key);
      this.active = now ? now[0] : Number(card.dataset.at);
      if (before) this.fill(before, old);
      this.choose(card.dataset.key);
      this.opening = false;
    }
  }

  end() {
    this.listening.abort();
    this.unfollow?.();
    this.sized?.disconnect();
    clearInterval(this.ticking);
    clearTimeout(this.looking);
    for (const url of [...this.thumbs.values(), this.pictureUrl]) if (url) URL.revokeObjectURL(url);
  }
}

/**
 * @param {RenderProps<Model>} props
 * @returns {() => void}
 */
function render(props) {
  const view = new GalleryView(props);
  return () => view.end();
}

export default { render };
