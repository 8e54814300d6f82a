/** @import { RenderProps } from "@anywidget/types" */

/**
 * One run: its model, and what sets it apart from the others.
 * @typedef {{ model: string, what: string }} Row
 */

/**
 * Where a run stands; the group is one of GROUPS.
 * @typedef {{ group: string, says: string, elapsed: number, price: string, picture: boolean }} State
 */

/**
 * The traits this widget shares with Python.
 * @typedef {{
 *   rows: Row[],
 *   states: State[],
 *   total: string,
 *   here: number,
 *   away: number,
 *   settled: number,
 *   opened: number,
 *   notice: string,
 * }} Model
 */

/** The height of a row, in pixels; the style sheet has the same. */
export const ROW_PX = 46;
/** The height of the list, in pixels, when not all rows fit. */
const LIST_PX = 368;
/** Rows beyond what is seen, above and below, so that scrolling shows no gap. */
const SPARE = 4;
/** In the order in which they stand in the bar. */
const GROUPS = ["done", "failed", "stopped", "running", "waiting"];

/**
 * How many runs stand where, in the order of the bar.
 * @param {State[]} states
 * @returns {[string, number][]}
 */
export function counts(states) {
  return GROUPS.map((group) => [group, states.filter((state) => state.group === group).length]);
}

/**
 * How many runs are over, however they ended.
 * @param {[string, number][]} counted
 * @returns {number}
 */
export function overOf(counted) {
  return counted
    .filter(([group]) => group !== "running" && group !== "waiting")
    .reduce((sum, [, count]) => sum + count, 0);
}

/**
 * The same in words: "12 of 50 over: 11 done, 1 failed, 4 running, 34 waiting".
 * @param {[string, number][]} counted
 * @returns {string}
 */
export function sentence(counted) {
  const all = counted.reduce((sum, [, count]) => sum + count, 0);
  if (!all) return "No runs.";
  const over = overOf(counted);
  const parts = counted.filter(([, count]) => count).map(([group, count]) => `${count} ${group}`);
  const head = over === all ? (all === 1 ? "The run is over" : `All ${all} runs are over`) : "";
  return `${head || `${over} of ${all} over`}: ${parts.join(", ")}`;
}

/**
 * What a screen reader says: every tenth of the way, and the end; not each of hundreds of changes.
 * @param {[string, number][]} counted
 * @returns {string}
 */
export function announcement(counted) {
  const all = counted.reduce((sum, [, count]) => sum + count, 0);
  const over = overOf(counted);
  if (over === all) return sentence(counted);
  const tenth = Math.floor((10 * over) / all) * 10;
  return tenth ? `${tenth} % of ${all} runs are over` : "";
}

/**
 * What the button says that ends the waiting; empty if there is nothing to end.
 * @param {number} here runs under way in the kernel, which can be cancelled
 * @param {number} away runs under way at the service, which can not
 * @returns {string}
 */
export function stopText(here, away) {
  if (here && away) return "Cancel or stop waiting for all";
  if (here) return "Cancel all";
  return away ? "Stop waiting for all" : "";
}

/**
 * Seconds as people read them.
 * @param {number} seconds
 * @returns {string}
 */
export function duration(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
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
 * Where a key leads from a row.
 * @param {string} key
 * @param {number} at
 * @param {number} count
 * @returns {number | null} null for a key that leads nowhere
 */
export function rowAfter(key, at, count) {
  const page = Math.floor(LIST_PX / ROW_PX) - 1;
  /** @type {Record<string, number>} */
  const ways = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    PageDown: at + page,
    PageUp: at - page,
    Home: 0,
    End: count - 1,
  };
  return key in ways && count ? Math.min(count - 1, Math.max(0, ways[key])) : null;
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
  if (name) element.className = `rfw-runs-${name}`;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  // JupyterLab looks at the element that has the focus only; one above it does not count.
  if (element.tabIndex >= 0) element.dataset.lmSuppressShortcuts = "true";
  parent.append(element);
  return element;
}

/**
 * @param {HTMLElement} element
 * @param {string} text
 */
function write(element, text) {
  // Written only if it is another one: a live region says what is written, and a selection ends.
  if (element.textContent !== text) element.textContent = text;
}

/**
 * @param {HTMLElement} el
 */
function build(el) {
  el.classList.add("rfw-runs");
  const head = add("div", "head", el);
  const says = add("span", "says", head);
  const total = add("span", "total", head);
  const stop = add("button", "stop", head, { type: "button" });
  const bar = add("div", "bar", el, {
    role: "progressbar",
    "aria-label": "Runs that are over",
    "aria-valuemin": "0",
  });
  const parts = GROUPS.map((group) => {
    const part = add("div", "part", bar);
    part.dataset.group = group;
    return part;
  });
  const list = add("div", "list", el, { role: "listbox", tabindex: "0", "aria-label": "Runs" });
  const room = add("div", "room", list);
  const notice = add("div", "notice", el, { role: "alert" });
  const told = add("div", "told", el, { role: "status" });
  return { says, total, stop, bar, parts, list, room, notice, told };
}

/**
 * @param {HTMLElement} room
 * @param {string} id
 */
function buildRow(room, id) {
  const row = add("div", "row", room, { role: "option", id });
  const frame = add("div", "frame", row);
  const picture = add("img", "picture", frame, { alt: "" });
  const middle = add("div", "middle", row);
  const title = add("div", "title", middle);
  const model = add("span", "model", title);
  const what = add("span", "what", title);
  const says = add("div", "state", middle);
  const side = add("div", "side", row);
  const time = add("div", "time", side);
  const price = add("div", "price", side);
  return { row, picture, model, what, says, time, price };
}

let made = 0;

/** One view of a table of runs. */
class RunTableView {
  /** @param {RenderProps<Model>} props */
  constructor({ model, el }) {
    this.model = model;
    this.el = el;
    made += 1;
    this.id = `rfw-runs-${made}-${Math.random().toString(36).slice(2)}`;
    this.parts = build(el);
    this.listening = new AbortController();
    this.written = performance.now();
    this.active = Math.max(0, model.get("opened"));
    this.settled = -1;
    /** @type {Map<number, ReturnType<typeof buildRow>>} */
    this.drawn = new Map();
    /** @type {Map<number, string>} */
    this.pictures = new Map();
    /** @type {Set<number>} */
    this.asked = new Set();
    this.follow();
    this.listen();
    this.tell();
    this.ticking = setInterval(() => this.tellTimes(), 250);
  }

  isOver() {
    return this.model.get("here") + this.model.get("away") === 0;
  }

  /** @param {Record<string, unknown>} message */
  ask(message) {
    try {
      this.model.send(message);
    } catch {
      // A saved notebook has no pictures of its rows, and nobody has asked for them.
      if (message.do === "stop")
        write(this.parts.notice, "The kernel of these runs is gone; rf.runs() finds them again.");
    }
  }

  // -------------------------------------------------------------- what is shown

  tell() {
    const { model, parts } = this;
    const counted = counts(model.get("states"));
    const all = model.get("states").length;
    write(parts.says, sentence(counted));
    write(parts.told, announcement(counted));
    write(parts.total, model.get("total"));
    write(parts.notice, model.get("notice"));
    parts.bar.setAttribute("aria-valuemax", String(all));
    parts.bar.setAttribute("aria-valuenow", String(overOf(counted)));
    parts.bar.setAttribute("aria-valuetext", sentence(counted));
    counted.forEach(([, count], at) => {
      parts.parts[at].style.flexGrow = String(count);
      parts.parts[at].hidden = !count;
    });
    const [here, away] = [model.get("here"), model.get("away")];
    write(parts.stop, stopText(here, away));
    parts.stop.hidden = !stopText(here, away);
    parts.stop.title = away ? "What runs at the service goes on there and is billed" : "";
    // Of runs of one model, what sets them apart comes first.
    const rows = model.get("rows");
    const same = rows.every((row) => row.what && row.model === rows[0].model);
    this.el.classList.toggle("rfw-runs-same", same);
    parts.list.style.height = `${Math.min(LIST_PX, all * ROW_PX)}px`;
    parts.room.style.height = `${all * ROW_PX}px`;
    this.active = Math.min(this.active, Math.max(0, all - 1));
    this.draw();
    const settled = model.get("settled");
    // What the notebook saves was written when the runs began.
    if (settled >= 0 && settled !== this.settled) this.ask({ do: "saved" });
    this.settled = settled;
  }

  /** Draw the rows that are in sight, and no others: hundreds would make every change wait. */
  draw() {
    const { model, parts } = this;
    const states = model.get("states");
    const rows = model.get("rows");
    const count = Math.min(states.length, rows.length);
    const height = parts.list.clientHeight || LIST_PX;
    const [first, last] = windowOf(parts.list.scrollTop, height, count);
    for (const [at, one] of this.drawn) {
      if (at >= first && at < last) continue;
      one.row.remove();
      this.drawn.delete(at);
    }
    for (let at = first; at < last; at++) this.drawRow(at, rows[at], states[at], count);
    if (count) parts.list.setAttribute("aria-activedescendant", `${this.id}-${this.active}`);
    const missing = [...this.drawn.keys()].filter(
      (at) => states[at].picture && !this.pictures.has(at) && !this.asked.has(at),
    );
    if (missing.length) {
      for (const at of missing) this.asked.add(at);
      this.ask({ do: "thumbs", rows: missing });
    }
  }

  /**
   * @param {number} at
   * @param {Row} row
   * @param {State} state
   * @param {number} count
   */
  drawRow(at, row, state, count) {
    const one = this.drawn.get(at) ?? buildRow(this.parts.room, `${this.id}-${at}`);
    this.drawn.set(at, one);
    one.row.style.top = `${at * ROW_PX}px`;
    one.row.dataset.at = String(at);
    one.row.dataset.group = state.group;
    one.row.setAttribute("aria-setsize", String(count));
    one.row.setAttribute("aria-posinset", String(at + 1));
    one.row.setAttribute("aria-selected", String(at === this.model.get("opened")));
    one.row.classList.toggle("rfw-runs-active", at === this.active);
    write(one.model, row.model);
    write(one.what, row.what);
    one.what.title = row.what;
    write(one.says, state.says);
    one.says.title = state.says;
    write(one.price, state.price);
    this.tellTime(at, one);
    const url = this.pictures.get(at) ?? "";
    one.picture.hidden = !url;
    if (url && one.picture.src !== url) one.picture.src = url;
  }

  tellTimes() {
    if (!this.isOver()) for (const [at, one] of this.drawn) this.tellTime(at, one);
  }

  /**
   * @param {number} at
   * @param {ReturnType<typeof buildRow>} one
   */
  tellTime(at, one) {
    const state = this.model.get("states")[at];
    if (!state) return;
    const going = state.group === "running" || state.group === "waiting";
    const since = going ? (performance.now() - this.written) / 1000 : 0;
    write(one.time, duration(state.elapsed + since));
  }

  /**
   * @param {number[]} rows
   * @param {DataView[]} data
   */
  takePictures(rows, data) {
    rows.forEach((at, index) => {
      if (this.pictures.has(at)) return;
      const { buffer, byteOffset, byteLength } = data[index];
      const bytes = new Uint8Array(byteLength);
      bytes.set(new Uint8Array(buffer, byteOffset, byteLength));
      this.pictures.set(at, URL.createObjectURL(new Blob([bytes], { type: "image/webp" })));
    });
    this.draw();
  }

  // -------------------------------------------------------------- what is done

  /** @param {number} at */
  open(at) {
    const { model } = this;
    this.active = at;
    model.set("opened", model.get("opened") === at ? -1 : at);
    model.save_changes();
    this.draw();
  }

  /** @param {number} at */
  move(at) {
    const { list } = this.parts;
    this.active = at;
    const top = at * ROW_PX;
    const bottom = top + ROW_PX - list.clientHeight;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (bottom > list.scrollTop) list.scrollTop = bottom;
    this.draw();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.key === "Tab" || event.ctrlKey || event.metaKey) return;
    event.stopPropagation();
    if (event.target !== this.parts.list) return;
    const count = this.model.get("states").length;
    const at = rowAfter(event.key, this.active, count);
    if (at !== null) this.move(at);
    else if ((event.key === "Enter" || event.key === " ") && count) this.open(this.active);
    else return;
    event.preventDefault();
  }

  // -------------------------------------------------------------- wiring

  follow() {
    const { model } = this;
    const states = () => {
      this.written = performance.now();
      this.tell();
    };
    const quiet = () => this.tell();
    const heard = (/** @type {any} */ message, /** @type {DataView[]} */ buffers) => {
      if (message.kind === "thumbs") this.takePictures(message.rows, buffers);
    };
    const names = /** @type {const} */ ([
      "rows",
      "total",
      "here",
      "away",
      "settled",
      "opened",
      "notice",
    ]);
    model.on("change:states", states);
    for (const name of names) model.on(`change:${name}`, quiet);
    model.on("msg:custom", heard);
    this.unfollow = () => {
      model.off("change:states", states);
      for (const name of names) model.off(`change:${name}`, quiet);
      model.off("msg:custom", heard);
    };
  }

  listen() {
    const { parts, el } = this;
    const { signal } = this.listening;
    el.addEventListener("keydown", (event) => this.key(event), { signal });
    parts.list.addEventListener("scroll", () => this.draw(), { signal });
    parts.list.addEventListener(
      "click",
      (event) => {
        const target = /** @type {HTMLElement} */ (event.target);
        const row = /** @type {HTMLElement | null} */ (target.closest(".rfw-runs-row"));
        if (row?.dataset.at) this.open(Number(row.dataset.at));
        parts.list.focus({ preventScroll: true });
      },
      { signal },
    );
    parts.stop.addEventListener("click", () => this.ask({ do: "stop" }), { signal });
  }

  end() {
    this.listening.abort();
    this.unfollow?.();
    clearInterval(this.ticking);
    for (const url of this.pictures.values()) URL.revokeObjectURL(url);
  }
}

/**
 * @param {RenderProps<Model>} props
 * @returns {() => void}
 */
function render(props) {
  const view = new RunTableView(props);
  return () => view.end();
}

export default { render };
