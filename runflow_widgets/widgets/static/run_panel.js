/** @import { RenderProps } from "@anywidget/types" */

/**
 * The traits this widget shares with Python.
 * @typedef {{
 *   title: string,
 *   status: string,
 *   says: string,
 *   where: string,
 *   price: string,
 *   elapsed_s: number,
 *   typical_s: number | null,
 *   progress: number | null,
 *   done: boolean,
 *   failed: boolean,
 *   embedded: boolean,
 *   picture: DataView,
 *   files: string[],
 *   advice: string,
 *   details: string,
 *   again: string,
 *   resumes: string,
 *   opened: string,
 *   language: string,
 *   code: string,
 *   notice: string,
 *   notify: boolean,
 * }} Model
 */

/**
 * Seconds as people read them: "0.4 s", "12 s", "2 min 5 s".
 * @param {number} seconds
 * @returns {string}
 */
export function duration(seconds) {
  if (!Number.isFinite(seconds) || seconds < 0) return "";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const rest = whole % 60;
  return rest ? `${Math.floor(whole / 60)} min ${rest} s` : `${whole / 60} min`;
}

/**
 * How long it has taken, beside how long it usually takes.
 * @param {number} elapsed
 * @param {number | null} typical
 * @param {boolean} done
 * @returns {string}
 */
export function timeText(elapsed, typical, done) {
  if (done || typical === null) return duration(elapsed);
  return `${duration(elapsed)} of usually ${duration(typical)}`;
}

/**
 * How far the bar goes, from 0 to 1, or null for a bar that only shows that something goes on.
 * @param {{ progress: number | null, done: boolean, failed: boolean }} run
 * @returns {number | null}
 */
export function barFraction({ progress, done, failed }) {
  if (done) return failed ? 0 : 1;
  return progress === null ? null : Math.min(1, Math.max(0, progress));
}

const LANGUAGES = [
  ["python", "Python"],
  ["python-await", "Python, await"],
  ["curl", "curl"],
  ["javascript", "JavaScript"],
];

/**
 * What may be asked of a run as it stands: the names of the buttons.
 * @param {{ done: boolean, failed: boolean, resumes: boolean, hasPicture: boolean, hasFiles: boolean }} run
 * @returns {string[]}
 */
export function actionsFor({ done, failed, resumes, hasPicture, hasFiles }) {
  if (!done) return ["stop", "notify"];
  const results = hasFiles ? ["save"] : [];
  const pictures = hasPicture ? ["compare", "use"] : [];
  // What was paid for comes before paying once more.
  const first = resumes ? ["resume"] : [];
  return [...first, ...(failed ? [] : [...results, ...pictures]), "again", "edit", "code"];
}

/**
 * The title of the page while so many runs have ended unseen.
 * @param {string} title
 * @param {number} count
 * @returns {string}
 */
export function countedTitle(title, count) {
  const bare = title.replace(/^\(\d+\) /, "");
  return count > 0 ? `(${count}) ${bare}` : bare;
}

/** How many runs have ended while the page was not looked at. */
let unseen = 0;

function seeAll() {
  if (document.hidden || !unseen) return;
  unseen = 0;
  document.title = countedTitle(document.title, 0);
}

/** @param {string} text */
function tellOutside(text) {
  if (globalThis.Notification?.permission === "granted")
    new Notification("Runflow", { body: text });
  if (!document.hidden) return;
  unseen += 1;
  document.title = countedTitle(document.title, unseen);
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
  if (name) element.className = `rfw-run-${name}`;
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

/**
 * @param {HTMLElement} root
 */
function build(root) {
  root.classList.add("rfw-run");
  const head = add("div", "head", root);
  const title = add("span", "title", head);
  // Said by a screen reader when it changes; the clock beside it is not.
  const says = add("span", "says", head, { role: "status" });
  const bar = add("div", "bar", root, {
    role: "progressbar",
    "aria-label": "Progress of the run",
    "aria-valuemin": "0",
    "aria-valuemax": "100",
  });
  const fill = add("div", "fill", bar);
  const advice = add("div", "advice", root);
  const foot = add("div", "foot", root);
  const time = add("span", "time", foot);
  const price = add("span", "price", foot);
  const where = add("span", "where", foot);
  const result = add("div", "result", root);
  const picture = add("img", "picture", result, { alt: "First result of the run" });
  const files = add("div", "files", result);
  const details = add("details", "details", root);
  add("summary", "", details).textContent = "Details for whoever helps";
  const text = add("pre", "text", details, { tabindex: "0" });
  const copyDetails = addButton(details, "copy", "Copy");
  const actions = add("div", "actions", root, { role: "group", "aria-label": "What to do" });
  const notice = add("div", "notice", root, { role: "alert" });
  const panel = add("div", "panel", root);
  const choices = add("div", "actions", panel, { role: "group", "aria-label": "Language" });
  const languages = LANGUAGES.map(([language, name]) => {
    const button = addButton(choices, "language", name);
    button.dataset.language = language;
    return button;
  });
  const copyCode = addButton(choices, "copy", "Copy");
  const code = add("pre", "text", panel, { tabindex: "0", "aria-label": "Code" });
  return {
    title,
    says,
    bar,
    fill,
    advice,
    time,
    price,
    where,
    picture,
    files,
    details,
    text,
    copyDetails,
    actions,
    notice,
    panel,
    languages,
    copyCode,
    code,
  };
}

/**
 * @param {HTMLButtonElement} button
 * @param {HTMLElement} source
 */
async function copy(button, source) {
  try {
    await navigator.clipboard.writeText(source.textContent ?? "");
    button.textContent = "Copied";
  } catch {
    // No permission, or no https: mark it, so that Ctrl+C does it.
    getSelection()?.selectAllChildren(source);
    button.textContent = "Press Ctrl+C";
  }
  setTimeout(() => {
    button.textContent = "Copy";
  }, 1600);
}

/**
 * @param {DataView} data
 * @returns {Uint8Array<ArrayBuffer>}
 */
function bytesOf(data) {
  // Copied: the view's buffer is replaced when the trait changes.
  const bytes = new Uint8Array(data.byteLength);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return bytes;
}

/**
 * @param {DataView} data
 * @param {string} name
 */
function saveAs(data, name) {
  const url = URL.createObjectURL(new Blob([bytesOf(data)]));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** One view of a run's panel. */
class RunPanelView {
  /** @param {RenderProps<Model>} props */
  constructor({ model, el }) {
    this.model = model;
    this.el = el;
    this.parts = build(el);
    this.listening = new AbortController();
    this.written = performance.now();
    this.pictureUrl = "";
    this.wasDone = model.get("done");
    this.shown = "";
    this.follow();
    this.listen();
    this.tell();
    this.tellPicture();
    this.ticking = setInterval(() => {
      if (!model.get("done")) this.tellTime();
    }, 100);
  }

  /** @param {string} what */
  ask(what) {
    try {
      this.model.send({ do: what });
    } catch {
      this.parts.notice.textContent =
        "The kernel of this run is gone; rf.runs() finds the run again.";
    }
  }

  // -------------------------------------------------------------- what is shown

  tell() {
    const { model, parts, el } = this;
    const [done, failed] = [model.get("done"), model.get("failed")];
    parts.title.textContent = model.get("title");
    parts.says.textContent = model.get("says");
    parts.advice.textContent = model.get("advice");
    parts.advice.hidden = !model.get("advice");
    parts.price.textContent = model.get("price");
    parts.where.textContent = model.get("where");
    parts.files.textContent = model.get("files").join("\n");
    parts.text.textContent = model.get("details");
    parts.details.hidden = !model.get("details");
    parts.notice.textContent = model.get("notice");
    el.dataset.state = failed ? "failed" : done ? "done" : "going";
    this.tellBar();
    this.tellTime();
    this.tellActions();
    this.tellCode();
    if (done && !this.wasDone) {
      this.wasDone = true;
      // What the notebook saves was written when the run began.
      this.ask("saved");
      if (model.get("notify")) tellOutside(`${model.get("title")}: ${model.get("says")}`);
    }
  }

  tellBar() {
    const { model, parts } = this;
    const fraction = barFraction({
      progress: model.get("progress"),
      done: model.get("done"),
      failed: model.get("failed"),
    });
    parts.bar.classList.toggle("rfw-run-unknown", fraction === null);
    parts.fill.style.width = fraction === null ? "" : `${fraction * 100}%`;
    if (fraction === null) parts.bar.removeAttribute("aria-valuenow");
    else parts.bar.setAttribute("aria-valuenow", String(Math.round(fraction * 100)));
  }

  tellTime() {
    const { model, parts } = this;
    const since = model.get("done") ? 0 : (performance.now() - this.written) / 1000;
    const elapsed = model.get("elapsed_s") + since;
    parts.time.textContent = timeText(elapsed, model.get("typical_s"), model.get("done"));
  }

  tellActions() {
    const { model, parts } = this;
    const names = actionsFor({
      done: model.get("done"),
      failed: model.get("failed"),
      resumes: model.get("resumes") !== "",
      hasPicture: model.get("picture")?.byteLength > 0,
      hasFiles: model.get("files").length > 0,
    });
    const texts = this.texts();
    const key = JSON.stringify([names, texts]);
    if (key !== this.shown) {
      this.shown = key;
      this.buttons(names, texts);
    }
    for (const button of parts.actions.querySelectorAll("button")) {
      const { name = "" } = button.dataset;
      if (name === "notify") button.setAttribute("aria-pressed", String(model.get("notify")));
      if (["compare", "use", "edit", "code"].includes(name))
        button.setAttribute("aria-expanded", String(model.get("opened") === name));
    }
  }

  /** @returns {Record<string, string>} */
  texts() {
    const { model } = this;
    const stop = model.get("embedded") ? "Cancel" : "Stop waiting";
    return {
      stop,
      notify: "Notify me",
      save: "Save",
      resume: model.get("resumes"),
      compare: "Compare",
      use: "Use as input",
      again: `Run again · ${model.get("again")}`,
      edit: "Edit and run again",
      code: "Code",
    };
  }

  /**
   * @param {string[]} names
   * @param {Record<string, string>} texts
   */
  buttons(names, texts) {
    const { actions } = this.parts;
    const focused = actions.contains(document.activeElement)
      ? /** @type {HTMLElement} */ (document.activeElement).dataset.name
      : "";
    actions.replaceChildren();
    for (const name of names) {
      const button = addButton(actions, name, texts[name]);
      if (name === "stop" && !this.model.get("embedded"))
        button.title = "Stop waiting here; the run goes on at the service and is billed";
      button.addEventListener("click", () => this.press(name, button));
      if (name === focused) button.focus();
    }
  }

  /**
   * @param {string} name
   * @param {HTMLButtonElement} button
   */
  press(name, button) {
    const { model } = this;
    if (name === "stop") this.ask(model.get("embedded") ? "cancel" : "stop");
    else if (name === "code") {
      model.set("opened", model.get("opened") === "code" ? "" : "code");
      model.save_changes();
    } else if (name === "notify") {
      if (!model.get("notify")) void globalThis.Notification?.requestPermission();
      model.set("notify", !model.get("notify"));
      model.save_changes();
    } else {
      if (name === "again") {
        // Off at once: a second press would be a second run.
        button.disabled = true;
        setTimeout(() => {
          button.disabled = false;
        }, 2000);
      }
      this.ask(name);
    }
  }

  tellCode() {
    const { model, parts } = this;
    parts.panel.hidden = model.get("opened") !== "code";
    parts.code.textContent = model.get("code");
    for (const button of parts.languages) {
      const chosen = button.dataset.language === model.get("language");
      button.setAttribute("aria-pressed", String(chosen));
    }
  }

  tellPicture() {
    const data = this.model.get("picture");
    if (this.pictureUrl) URL.revokeObjectURL(this.pictureUrl);
    this.pictureUrl = "";
    if (data?.byteLength) {
      this.pictureUrl = URL.createObjectURL(new Blob([bytesOf(data)], { type: "image/webp" }));
      this.parts.picture.src = this.pictureUrl;
    }
    this.parts.picture.hidden = !this.pictureUrl;
    this.tellActions();
  }

  // -------------------------------------------------------------- wiring

  follow() {
    const { model } = this;
    const changed = () => {
      this.written = performance.now();
      this.tell();
    };
    const quiet = () => this.tell();
    const picture = () => this.tellPicture();
    const heard = (/** @type {any} */ message, /** @type {DataView[]} */ buffers) => {
      if (message.kind === "file") saveAs(buffers[0], message.name);
    };
    const run = /** @type {const} */ ([
      ...["title", "status", "says", "where", "price", "elapsed_s", "typical_s", "progress"],
      ...["done", "failed", "embedded", "files", "advice", "details", "again", "resumes"],
    ]);
    const own = ["opened", "language", "code", "notice", "notify"];
    const on = (/** @type {any} */ name, /** @type {any} */ act) => model.on(`change:${name}`, act);
    const off = (/** @type {any} */ name, /** @type {any} */ act) =>
      model.off(`change:${name}`, act);
    for (const name of run) on(name, changed);
    for (const name of own) on(name, quiet);
    on("picture", picture);
    model.on("msg:custom", heard);
    this.unfollow = () => {
      for (const name of run) off(name, changed);
      for (const name of own) off(name, quiet);
      off("picture", picture);
      model.off("msg:custom", heard);
    };
  }

  listen() {
    const { parts, el, model } = this;
    const { signal } = this.listening;
    parts.copyDetails.addEventListener("click", () => copy(parts.copyDetails, parts.text), {
      signal,
    });
    parts.copyCode.addEventListener("click", () => copy(parts.copyCode, parts.code), { signal });
    for (const button of parts.languages) {
      button.addEventListener(
        "click",
        () => {
          model.set("language", button.dataset.language ?? "python");
          model.save_changes();
        },
        { signal },
      );
    }
    document.addEventListener("visibilitychange", seeAll, { signal });
    el.addEventListener(
      "keydown",
      (event) => {
        if (event.key !== "Tab" && !event.ctrlKey && !event.metaKey) event.stopPropagation();
      },
      { signal },
    );
  }

  end() {
    this.listening.abort();
    this.unfollow?.();
    clearInterval(this.ticking);
    if (this.pictureUrl) URL.revokeObjectURL(this.pictureUrl);
  }
}

/**
 * @param {RenderProps<Model>} props
 * @returns {() => void}
 */
function render(props) {
  const view = new RunPanelView(props);
  return () => view.end();
}

export default { render };
