/** @import { RenderProps } from "@anywidget/types" */

/** @typedef {{ model: string, label: string }} Task */
/** @typedef {{ number: number, parent: number, label: string, facts: string, thumb: DataView }} Version */

/**
 * The traits this widget shares with Python.
 * @typedef {{
 *   tasks: Task[],
 *   task: string,
 *   versions: Version[],
 *   source: number,
 *   pair: number[],
 *   says: string,
 *   failed: boolean,
 *   busy: string,
 *   can_undo: boolean,
 *   code: string,
 * }} Model
 */

/**
 * Where a version comes from, in words.
 * @param {{ parent: number, facts: string }} version
 * @returns {string}
 */
export function originText({ parent, facts }) {
  return [parent ? `from ${parent}` : "photo", facts].filter(Boolean).join(" · ");
}

/**
 * The pair after one of its two was chosen: what was there goes to the other side rather than being shown twice.
 * @param {number[]} pair
 * @param {"before" | "after"} side
 * @param {number} number
 * @returns {[number, number]}
 */
export function newPair([before, after], side, number) {
  if (side === "before") return [number, number === after ? before : after];
  return [number === before ? after : before, number];
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
  if (name) element.className = `rfw-studio-${name}`;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  // JupyterLab looks at the element that has the focus only; one above it does not count.
  if (element.tabIndex >= 0) element.dataset.lmSuppressShortcuts = "true";
  parent.append(element);
  return element;
}

/**
 * @param {HTMLElement} parent
 * @param {string} name
 * @param {string} text
 * @param {Record<string, string>} attributes
 */
function addButton(parent, name, text, attributes = {}) {
  const button = add("button", "button", parent, { type: "button", ...attributes });
  button.dataset.name = name;
  button.textContent = text;
  return button;
}

/**
 * @param {DataView} data
 * @returns {Uint8Array<ArrayBuffer>}
 */
function bytesOf(data) {
  const bytes = new Uint8Array(data.byteLength);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return bytes;
}

/** @param {() => boolean} condition */
async function soon(condition) {
  for (let turn = 0; turn < 60; turn++) {
    if (condition()) return true;
    await new Promise((done) => requestAnimationFrame(done));
  }
  return false;
}

/**
 * Put code into a new cell below the one that holds an element. A page gives widgets no way to its notebook, so this
 * presses the notebook's own key and writes into the editor that appears.
 * @param {HTMLElement} el
 * @param {string} code
 * @returns {Promise<boolean>} whether the cell is there
 */
async function insertCell(el, code) {
  const cell = /** @type {HTMLElement | null} */ (el.closest(".jp-Cell"));
  const notebook = /** @type {HTMLElement | null} */ (el.closest(".jp-Notebook"));
  if (!cell || !notebook) return false;
  const count = notebook.querySelectorAll(".jp-Cell").length;
  const prompt = cell.querySelector(".jp-InputPrompt");
  for (const name of ["mousedown", "mouseup", "click"])
    prompt?.dispatchEvent(new MouseEvent(name, { bubbles: true, cancelable: true, button: 0 }));
  notebook.focus();
  const target = document.activeElement?.closest(".jp-Notebook")
    ? document.activeElement
    : notebook;
  const key = { key: "b", code: "KeyB", keyCode: 66, bubbles: true, cancelable: true };
  target.dispatchEvent(new KeyboardEvent("keydown", key));
  const added = await soon(() => notebook.querySelectorAll(".jp-Cell").length > count);
  const below = cell.nextElementSibling;
  if (!added || !below) return false;
  /** @type {any} */
  let content = null;
  await soon(() => {
    content = below.querySelector(".cm-content");
    return Boolean(content?.cmView?.view ?? content?.cmTile?.view);
  });
  const view = content?.cmView?.view ?? content?.cmTile?.view;
  if (!view) return false;
  view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: code } });
  below.scrollIntoView({ block: "nearest" });
  return true;
}

/** @param {HTMLElement} el */
function build(el) {
  el.classList.add("rfw-studio-bar");
  const tasks = add("div", "tasks", el, { role: "group", "aria-label": "What to do" });
  const strip = add("ol", "strip", el, { "aria-label": "Versions" });
  const foot = add("div", "foot", el);
  const undo = addButton(foot, "undo", "Undo");
  const zip = addButton(foot, "zip", "Download all");
  const code = addButton(foot, "code", "Code as a cell below");
  const says = add("span", "says", foot, { role: "status" });
  return { tasks, strip, foot, undo, zip, code, says };
}

/** One view of the head of a Studio. */
class BarView {
  /** @param {RenderProps<Model>} props */
  constructor({ model, el }) {
    this.model = model;
    this.el = el;
    this.parts = build(el);
    this.listening = new AbortController();
    /** @type {string[]} */
    this.urls = [];
    this.follow();
    this.listen();
    this.tell();
    this.tellVersions();
  }

  /** @param {Record<string, unknown>} content */
  post(content) {
    try {
      this.model.send(content);
    } catch {
      this.say(
        "The kernel of this Studio is gone: run its cell again; with key=… it goes on.",
        true,
      );
    }
  }

  /**
   * @param {string} text
   * @param {boolean} failed
   */
  say(text, failed) {
    this.parts.says.textContent = text;
    this.parts.says.classList.toggle("rfw-studio-failed", failed);
  }

  tell() {
    const { model, parts } = this;
    if (!parts.tasks.childElementCount) {
      for (const { model: id, label } of model.get("tasks")) {
        const button = addButton(parts.tasks, "task", label, { title: id });
        button.dataset.model = id;
        button.addEventListener("click", () => this.post({ do: "task", model: id }));
      }
    }
    for (const button of parts.tasks.querySelectorAll("button"))
      button.setAttribute("aria-pressed", String(button.dataset.model === model.get("task")));
    const some = model.get("versions").length > 0;
    parts.undo.hidden = !model.get("can_undo");
    parts.zip.hidden = !some;
    parts.code.hidden = !model.get("code");
    this.say(model.get("busy") || model.get("says"), model.get("failed") && !model.get("busy"));
    parts.foot.hidden = !some && !model.get("busy") && !model.get("says");
  }

  tellVersions() {
    const { model, parts } = this;
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    const again = parts.strip.contains(focused) ? focused?.dataset.where : "";
    parts.strip.replaceChildren();
    this.forget();
    for (const version of model.get("versions")) this.card(version);
    parts.strip.hidden = !model.get("versions").length;
    if (again)
      /** @type {HTMLElement | null} */ (
        parts.strip.querySelector(`[data-where="${again}"]`)
      )?.focus();
  }

  /** @param {Version} version */
  card(version) {
    const { model, parts } = this;
    const { number, label } = version;
    const pair = model.get("pair");
    const card = add("li", "card", parts.strip);
    if (number === model.get("source")) card.classList.add("rfw-studio-source");
    const picture = add("img", "thumb", card, { alt: `Version ${number}, ${label}` });
    if (version.thumb?.byteLength) {
      const url = URL.createObjectURL(new Blob([bytesOf(version.thumb)], { type: "image/webp" }));
      this.urls.push(url);
      picture.src = url;
    }
    const names = add("div", "names", card);
    add("div", "label", names).textContent = `${number} ${label}`;
    add("div", "facts", names).textContent = originText(version);
    const actions = add("div", "actions", card);
    /** @type {(name: string, text: string, says: string, act: () => void, pressed?: boolean) => void} */
    const action = (name, text, says, act, pressed) => {
      const button = addButton(actions, name, text, { "aria-label": `${says} version ${number}` });
      button.title = says;
      button.dataset.where = `${name}-${number}`;
      if (pressed !== undefined) button.setAttribute("aria-pressed", String(pressed));
      button.addEventListener("click", act);
    };
    const isSource = number === model.get("source");
    action(
      "use",
      isSource ? "Source" : "Use",
      "Go on from",
      () => this.post({ do: "use", number }),
      isSource,
    );
    for (const side of /** @type {const} */ (["before", "after"])) {
      const place = side === "before" ? 0 : 1;
      action(
        side,
        side === "before" ? "A" : "B",
        side === "before" ? "On the left:" : "On the right:",
        () => {
          const [before, after] = newPair(pair, side, number);
          this.post({ do: "compare", before, after: after || number });
        },
        pair[place] === number,
      );
    }
    action("drop", "✕", "Take out", () => this.post({ do: "drop", number }));
  }

  forget() {
    for (const url of this.urls) URL.revokeObjectURL(url);
    this.urls = [];
  }

  async insertCode() {
    const code = this.model.get("code");
    if (await insertCell(this.el, code)) {
      this.say("The code stands in the cell below.", false);
      return;
    }
    try {
      await navigator.clipboard.writeText(code);
      this.say("This page lets no widget add a cell; the code is in the clipboard.", false);
    } catch {
      this.say("This page lets no widget add a cell: print(studio.code()) shows the code.", true);
    }
  }

  follow() {
    const { model } = this;
    const tell = () => this.tell();
    const versions = () => this.tellVersions();
    const heard = (/** @type {any} */ message, /** @type {DataView[]} */ buffers) => {
      if (message.kind !== "file") return;
      const url = URL.createObjectURL(new Blob([bytesOf(buffers[0])]));
      const link = document.createElement("a");
      link.href = url;
      link.download = message.name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
    };
    const plain = /** @type {const} */ ([
      "tasks",
      "task",
      "says",
      "failed",
      "busy",
      "can_undo",
      "code",
      "versions",
    ]);
    const cards = /** @type {const} */ (["versions", "source", "pair"]);
    for (const name of plain) model.on(`change:${name}`, tell);
    for (const name of cards) model.on(`change:${name}`, versions);
    model.on("msg:custom", heard);
    this.unfollow = () => {
      for (const name of plain) model.off(`change:${name}`, tell);
      for (const name of cards) model.off(`change:${name}`, versions);
      model.off("msg:custom", heard);
    };
  }

  listen() {
    const { parts, el } = this;
    const { signal } = this.listening;
    parts.undo.addEventListener("click", () => this.post({ do: "undo" }), { signal });
    parts.zip.addEventListener("click", () => this.post({ do: "zip" }), { signal });
    parts.code.addEventListener("click", () => void this.insertCode(), { signal });
    el.addEventListener(
      "keydown",
      (event) => {
        if (event.key === "Tab" || event.ctrlKey || event.metaKey) return;
        event.stopPropagation();
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        const all = [...parts.strip.querySelectorAll("button")];
        const at = all.indexOf(/** @type {any} */ (event.target));
        if (step && at >= 0) all[(at + step + all.length) % all.length].focus();
      },
      { signal },
    );
  }

  end() {
    this.listening.abort();
    this.unfollow?.();
    this.forget();
  }
}

/**
 * @param {RenderProps<Model>} props
 * @returns {() => void}
 */
function render(props) {
  const view = new BarView(props);
  return () => view.end();
}

export default { render };
