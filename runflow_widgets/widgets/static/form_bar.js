/** @import { RenderProps } from "@anywidget/types" */

/** @typedef {{ at: number, label: string, text: string }} Problem */

/**
 * The traits this widget shares with Python.
 * @typedef {{
 *   price: string,
 *   reckoning: string,
 *   where: string,
 *   balance: string,
 *   blocked: string,
 *   busy: boolean,
 *   says: string,
 *   failed: boolean,
 *   ask: string,
 *   problems: Problem[],
 *   can_vary: boolean,
 *   count: number,
 *   panel: "" | "code" | "json",
 *   language: "python" | "python-await" | "curl" | "javascript",
 *   code: string,
 *   json: string,
 *   json_error: string,
 * }} Model
 */

/** After so long without an answer, the kernel has something else to do. */
const PATIENCE_MS = 1500;
const LANGUAGES = /** @type {const} */ ([
  ["python", "Python"],
  ["python-await", "Python, await"],
  ["curl", "curl"],
  ["javascript", "JavaScript"],
]);

/**
 * What stands on the button.
 * @param {number} count
 * @param {boolean} waiting
 * @returns {string}
 */
export function runText(count, waiting) {
  if (waiting) return "Starting…";
  return count > 1 ? `Run ${count} times` : "Run";
}

/**
 * The head of the list of problems.
 * @param {number} count
 * @returns {string}
 */
export function problemsText(count) {
  return count === 1 ? "One thing has to be put right:" : `${count} things have to be put right:`;
}

/**
 * How many runs were asked for; what is no number counts as one.
 * @param {string} text
 * @returns {number}
 */
export function countOf(text) {
  const count = Math.round(Number(text));
  return Number.isFinite(count) ? Math.min(16, Math.max(1, count)) : 1;
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
  if (name) element.className = `rfw-bar-${name}`;
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
 */
function addButton(parent, name, text) {
  const button = add("button", "button", parent, { type: "button" });
  button.dataset.name = name;
  button.textContent = text;
  return button;
}

let made = 0;

/** @param {HTMLElement} el */
function build(el) {
  made += 1;
  const id = `rfw-bar-${made}-${Math.random().toString(36).slice(2)}`;
  el.classList.add("rfw-bar");
  const problems = add("div", "problems", el, { role: "alert", tabindex: "-1" });
  const row = add("div", "row", el);
  const run = addButton(row, "run", "Run");
  const times = add("label", "times", row);
  times.append("× ");
  const count = add("input", "count", times, {
    type: "number",
    min: "1",
    max: "16",
    "aria-label": "How many runs, each with another seed",
  });
  const price = add("span", "price", row);
  const reckoning = add("span", "reckoning", row);
  const balance = add("span", "balance", row);
  const where = add("div", "where", el);
  const ask = add("div", "ask", el, { role: "alertdialog", "aria-label": "Before it is sent" });
  const question = add("span", "question", ask);
  const yes = addButton(ask, "yes", "Send it all the same");
  const no = addButton(ask, "no", "Do not send");
  const says = add("div", "says", el, { role: "status" });
  const folds = add("div", "folds", el);
  const code = addButton(folds, "code", "Code");
  const json = addButton(folds, "json", "JSON");
  const codePanel = add("div", "panel", el, { id: `${id}-code` });
  const jsonPanel = add("div", "panel", el, { id: `${id}-json` });
  code.setAttribute("aria-controls", `${id}-code`);
  json.setAttribute("aria-controls", `${id}-json`);
  const choices = add("div", "choices", codePanel, { role: "group", "aria-label": "Language" });
  const languages = LANGUAGES.map(([language, name]) => {
    const button = addButton(choices, language, name);
    button.dataset.language = language;
    return button;
  });
  const copyCode = addButton(choices, "copy", "Copy");
  const pre = add("pre", "code", codePanel, { tabindex: "0", "aria-label": "Code" });
  const text = add("textarea", "json", jsonPanel, {
    rows: "8",
    spellcheck: "false",
    "aria-label": "The values as JSON",
    "aria-describedby": `${id}-wrong`,
  });
  const wrong = add("div", "wrong", jsonPanel, { id: `${id}-wrong`, role: "alert" });
  const actions = add("div", "choices", jsonPanel);
  const apply = addButton(actions, "apply", "Fill in the form");
  const copyJson = addButton(actions, "copy", "Copy");
  return {
    problems,
    run,
    times,
    count,
    price,
    reckoning,
    balance,
    where,
    ask,
    question,
    yes,
    no,
    says,
    code,
    json,
    codePanel,
    jsonPanel,
    languages,
    copyCode,
    pre,
    text,
    wrong,
    apply,
    copyJson,
  };
}

/** One view of the foot of a form. */
class BarView {
  /** @param {RenderProps<Model>} props */
  constructor({ model, el }) {
    this.model = model;
    this.el = el;
    this.parts = build(el);
    this.listening = new AbortController();
    /** The press that the kernel has not answered yet. */
    this.press = "";
    /** @type {HTMLElement | null} */
    this.form = null;
    /** What is on its way to the row that is not there yet. */
    this.wanted = -1;
    this.edited = false;
    this.wiring = new MutationObserver(() => this.wireSoon());
    // The form around this is known only once both are on the page.
    this.arriving = new ResizeObserver(() => this.arrived());
    this.arriving.observe(el);
    this.follow();
    this.listen();
    this.tell();
  }

  /** @param {Record<string, unknown>} content */
  post(content) {
    try {
      this.model.send(content);
      return true;
    } catch {
      this.parts.says.textContent = "The kernel of this form is gone: run its cell again.";
      this.parts.says.classList.add("rfw-bar-failed");
      return false;
    }
  }

  // -------------------------------------------------------------- running

  start() {
    const { parts } = this;
    if (this.press || parts.run.disabled) return;
    this.press = Math.random().toString(36).slice(2);
    // At once, and not when the kernel gets to it: a second press in between would be a second run.
    this.tell();
    if (!this.post({ do: "run", press: this.press })) {
      this.press = "";
      this.tell();
      return;
    }
    this.late = setTimeout(() => {
      parts.says.textContent = "The kernel is busy; the run starts as soon as it is free.";
    }, PATIENCE_MS);
  }

  /** @param {{ kind: string, press: string, at: number }} message */
  heard(message) {
    if (message.kind === "heard" && message.press === this.press) {
      clearTimeout(this.late);
      this.press = "";
      this.tell();
      if (this.model.get("problems").length) this.parts.problems.focus();
    } else if (message.kind === "shown") this.wireSoon();
  }

  // -------------------------------------------------------------- the form around it

  arrived() {
    const around = /** @type {HTMLElement | null} */ (this.el.closest(".rfw-form"));
    if (!around || around === this.form) return;
    this.form = around;
    this.wiring.disconnect();
    this.wiring.observe(around, { childList: true, subtree: true });
    this.wire();
  }

  wireSoon() {
    if (this.wireAt) return;
    this.wireAt = requestAnimationFrame(() => {
      this.wireAt = 0;
      this.wire();
    });
  }

  /** Give the plain widgets of the form what their own views do not: states for screen readers, and their keys. */
  wire() {
    const { form } = this;
    if (!form) return;
    for (const row of form.querySelectorAll(".rfw-form-row")) wireRow(row);
    for (const button of form.querySelectorAll("button.jupyter-button, .noUi-handle, summary")) {
      if (!(button instanceof HTMLElement)) continue;
      button.dataset.lmSuppressShortcuts = "true";
      if (button.title && !button.textContent?.trim())
        button.setAttribute("aria-label", button.title);
    }
    if (this.wanted >= 0) this.goTo(this.wanted);
  }

  /** @param {number} at */
  goTo(at) {
    const row = this.form?.querySelector(`.rfw-form-at-${at}`);
    if (!row) {
      // It lies in a fold, or its widget is still on its way.
      if (this.wanted !== at) this.post({ do: "show", at });
      this.wanted = at;
      return;
    }
    this.wanted = -1;
    row.scrollIntoView({ block: "nearest" });
    const control = row.querySelector("input, textarea, select, [tabindex='0'], button");
    if (control instanceof HTMLElement) control.focus();
  }

  // -------------------------------------------------------------- what is shown

  tell() {
    const { model, parts } = this;
    const waiting = Boolean(this.press) || model.get("busy");
    const count = model.get("can_vary") ? model.get("count") : 1;
    parts.run.textContent = runText(count, waiting);
    parts.run.disabled = waiting || Boolean(model.get("blocked")) || Boolean(model.get("ask"));
    parts.times.hidden = !model.get("can_vary");
    if (document.activeElement !== parts.count) parts.count.value = String(model.get("count"));
    parts.price.textContent = model.get("price");
    parts.balance.textContent = model.get("balance");
    parts.reckoning.textContent = model.get("reckoning");
    parts.where.textContent = model.get("blocked") || model.get("where");
    parts.where.classList.toggle("rfw-bar-failed", Boolean(model.get("blocked")));
    const asks = parts.ask.hidden && Boolean(model.get("ask"));
    parts.question.textContent = model.get("ask");
    parts.ask.hidden = !model.get("ask");
    // As soon as it is seen: the pressed button is off and hears no key, and Escape is to take the question back.
    if (asks && this.press) parts.no.focus();
    parts.says.textContent = model.get("says");
    parts.says.classList.toggle("rfw-bar-failed", model.get("failed"));
    parts.says.hidden = !model.get("says");
    this.tellProblems();
    this.tellPanels();
  }

  tellProblems() {
    const { problems } = this.parts;
    const found = this.model.get("problems");
    problems.hidden = !found.length;
    problems.replaceChildren();
    if (!found.length) return;
    add("div", "many", problems).textContent = problemsText(found.length);
    const list = add("ul", "list", problems);
    for (const { at, text } of found) {
      const item = add("li", "", list);
      if (at < 0) {
        item.textContent = text;
        continue;
      }
      const jump = add("button", "jump", item, { type: "button" });
      jump.textContent = text;
      jump.addEventListener("click", () => this.goTo(at));
    }
  }

  tellPanels() {
    const { model, parts } = this;
    const panel = model.get("panel");
    parts.code.setAttribute("aria-expanded", String(panel === "code"));
    parts.json.setAttribute("aria-expanded", String(panel === "json"));
    parts.codePanel.hidden = panel !== "code";
    parts.jsonPanel.hidden = panel !== "json";
    parts.pre.textContent = model.get("code");
    for (const button of parts.languages) {
      const chosen = button.dataset.language === model.get("language");
      button.setAttribute("aria-pressed", String(chosen));
    }
    // What somebody is typing is not overwritten by what the form holds.
    if (!this.edited) parts.text.value = model.get("json");
    parts.wrong.textContent = model.get("json_error");
    parts.text.setAttribute("aria-invalid", String(Boolean(model.get("json_error"))));
  }

  /**
   * @param {HTMLButtonElement} button
   * @param {string} text
   * @param {HTMLElement} source
   */
  async copy(button, text, source) {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      // No permission, or no https: mark it, so that Ctrl+C does it.
      getSelection()?.selectAllChildren(source);
      if (source instanceof HTMLTextAreaElement) source.select();
      button.textContent = "Press Ctrl+C";
    }
    setTimeout(() => {
      button.textContent = "Copy";
    }, 1600);
  }

  // -------------------------------------------------------------- wiring

  follow() {
    const { model } = this;
    const tell = () => this.tell();
    const taken = () => {
      this.edited = false;
      this.tell();
    };
    const heard = (/** @type {any} */ message) => this.heard(message);
    const names = /** @type {const} */ ([
      "price",
      "reckoning",
      "where",
      "balance",
      "blocked",
      "busy",
      "says",
      "failed",
      "ask",
      "problems",
      "can_vary",
      "count",
      "panel",
      "language",
      "code",
      "json_error",
    ]);
    for (const name of names) model.on(`change:${name}`, tell);
    model.on("change:json", taken);
    model.on("msg:custom", heard);
    this.unfollow = () => {
      for (const name of names) model.off(`change:${name}`, tell);
      model.off("change:json", taken);
      model.off("msg:custom", heard);
    };
  }

  listen() {
    const { parts, el, model } = this;
    const { signal } = this.listening;
    const on = (
      /** @type {EventTarget} */ target,
      /** @type {string} */ name,
      /** @type {(event: any) => void} */ act,
    ) => target.addEventListener(name, act, { signal });
    on(parts.run, "click", () => this.start());
    on(parts.count, "change", () => {
      model.set("count", countOf(parts.count.value));
      model.save_changes();
      parts.count.value = String(model.get("count"));
    });
    on(parts.yes, "click", () => this.post({ do: "answer", yes: true }));
    on(parts.no, "click", () => this.post({ do: "answer", yes: false }));
    for (const name of /** @type {const} */ (["code", "json"])) {
      on(parts[name], "click", () => {
        this.edited = false;
        model.set("panel", model.get("panel") === name ? "" : name);
        model.save_changes();
      });
    }
    for (const button of parts.languages) {
      on(button, "click", () => {
        model.set("language", /** @type {Model["language"]} */ (button.dataset.language));
        model.save_changes();
      });
    }
    on(parts.copyCode, "click", () => this.copy(parts.copyCode, model.get("code"), parts.pre));
    on(parts.copyJson, "click", () => this.copy(parts.copyJson, parts.text.value, parts.text));
    on(parts.text, "input", () => {
      this.edited = true;
    });
    on(parts.apply, "click", () => {
      this.edited = false;
      this.post({ do: "fill", text: parts.text.value });
    });
    on(el, "keydown", (event) => {
      if (event.key === "Tab" || event.ctrlKey || event.metaKey) return;
      event.stopPropagation();
      if (event.key === "Escape" && model.get("ask")) this.post({ do: "answer", yes: false });
    });
  }

  end() {
    this.listening.abort();
    this.unfollow?.();
    this.wiring.disconnect();
    this.arriving.disconnect();
    clearTimeout(this.late);
    if (this.wireAt) cancelAnimationFrame(this.wireAt);
  }
}

let rows = 0;

/** @param {Element} row */
function wireRow(row) {
  const below = row.querySelector(":scope > .rfw-form-below");
  if (below && !below.id) {
    rows += 1;
    below.id = `rfw-form-below-${rows}`;
  }
  const label = row.querySelector("label")?.textContent ?? "";
  const wrong = String(Boolean(below?.querySelector(".rfw-form-error")));
  for (const control of row.querySelectorAll("input, select, textarea, .noUi-handle")) {
    // Fields with a script of their own look after themselves.
    if (control.closest(".rfw-field, .rfw-pad")) continue;
    const has = (/** @type {string} */ name, /** @type {string} */ value) => {
      if (control.getAttribute(name) !== value) control.setAttribute(name, value);
    };
    has("data-lm-suppress-shortcuts", "true");
    has("aria-invalid", wrong);
    if (below) has("aria-describedby", below.id);
    if (control.matches(".noUi-handle")) has("aria-label", label);
    else if (row.classList.contains("rfw-form-must")) has("aria-required", "true");
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
