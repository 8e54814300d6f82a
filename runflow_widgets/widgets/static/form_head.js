/** @import { RenderProps } from "@anywidget/types" */

/** @typedef {{ name: string, own: boolean, thumb: DataView }} Preset */

/**
 * The traits this widget shares with Python.
 * @typedef {{
 *   title: string,
 *   model: string,
 *   purpose: string,
 *   facts: string[],
 *   presets: Preset[],
 *   choosing: boolean,
 *   says: string,
 *   failed: boolean,
 *   can_undo: boolean,
 *   offer: string,
 * }} Model
 */

/**
 * A name for values that are kept: "My values", "My values 2", …
 * @param {string[]} taken
 * @returns {string}
 */
export function freeName(taken) {
  const first = "My values";
  if (!taken.includes(first)) return first;
  let number = 2;
  while (taken.includes(`${first} ${number}`)) number += 1;
  return `${first} ${number}`;
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
  if (name) element.className = `rfw-head-${name}`;
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

/** @param {HTMLElement} el */
function build(el) {
  el.classList.add("rfw-head");
  const top = add("div", "top", el);
  const names = add("div", "names", top);
  const title = add("span", "title", names);
  const model = add("code", "model", names);
  const change = addButton(top, "change", "Change model…");
  const purpose = add("div", "purpose", el);
  const facts = add("div", "facts", el);
  const strip = add("div", "strip", el, { role: "group", "aria-label": "Start from" });
  const keeping = add("form", "keeping", el);
  const name = add("input", "name", keeping, {
    type: "text",
    maxlength: "60",
    "aria-label": "Name for these values",
  });
  const keep = add("button", "button", keeping, { type: "submit" });
  keep.textContent = "Keep";
  const cancel = addButton(keeping, "cancel", "Cancel");
  keeping.hidden = true;
  const foot = add("div", "foot", el);
  const says = add("span", "says", foot, { role: "status" });
  const undo = addButton(foot, "undo", "Undo");
  const offer = addButton(foot, "offer", "");
  const named = { title, model, change, purpose, facts };
  return { ...named, strip, keeping, name, cancel, foot, says, undo, offer };
}

/** One view of the head of a form. */
class HeadView {
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
    this.tellPresets();
    this.post({ do: "seen" });
  }

  /** @param {Record<string, unknown>} content */
  post(content) {
    try {
      this.model.send(content);
    } catch {
      this.parts.foot.hidden = false;
      this.parts.says.textContent = "The kernel of this form is gone: run its cell again.";
    }
  }

  tell() {
    const { model, parts } = this;
    parts.title.textContent = model.get("title");
    parts.model.textContent = model.get("model");
    parts.purpose.textContent = model.get("purpose");
    parts.purpose.hidden = !model.get("purpose");
    parts.facts.textContent = model.get("facts").join(" · ");
    parts.change.setAttribute("aria-expanded", String(model.get("choosing")));
    parts.change.textContent = model.get("choosing") ? "Keep this model" : "Change model…";
    parts.says.textContent = model.get("says");
    parts.says.classList.toggle("rfw-head-failed", model.get("failed"));
    parts.undo.hidden = !model.get("can_undo");
    parts.offer.textContent = model.get("offer");
    parts.offer.hidden = !model.get("offer");
    parts.foot.hidden = !model.get("says") && !model.get("can_undo") && !model.get("offer");
  }

  tellPresets() {
    const { strip } = this.parts;
    strip.replaceChildren();
    this.forget();
    for (const { name, own, thumb } of this.model.get("presets")) {
      const one = add("span", "preset", strip);
      const start = add("button", "start", one, {
        type: "button",
        "aria-label": `Start from: ${name}`,
      });
      start.dataset.own = String(own);
      if (thumb?.byteLength) add("img", "thumb", start, { alt: "" }).src = this.address(thumb);
      add("span", "", start).textContent = name;
      start.addEventListener("click", () => this.post({ do: "preset", name, own }));
      if (own) {
        const drop = add("button", "drop", one, { type: "button", "aria-label": `Delete ${name}` });
        drop.textContent = "✕";
        drop.addEventListener("click", () => {
          this.post({ do: "drop", name });
          this.parts.change.focus();
        });
      }
    }
    const keep = addButton(strip, "keep", "Keep these values…");
    keep.addEventListener("click", () => this.openKeeping());
  }

  /** @param {DataView} data */
  address(data) {
    const bytes = new Uint8Array(data.byteLength);
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    this.urls.push(URL.createObjectURL(new Blob([bytes], { type: "image/webp" })));
    return this.urls[this.urls.length - 1];
  }

  forget() {
    for (const url of this.urls) URL.revokeObjectURL(url);
    this.urls = [];
  }

  openKeeping() {
    const { keeping, name } = this.parts;
    keeping.hidden = false;
    name.value = freeName(this.model.get("presets").map((one) => one.name));
    name.focus();
    name.select();
  }

  closeKeeping() {
    this.parts.keeping.hidden = true;
    /** @type {HTMLElement | null} */ (
      this.parts.strip.querySelector("[data-name='keep']")
    )?.focus();
  }

  follow() {
    const { model } = this;
    const tell = () => this.tell();
    const presets = () => this.tellPresets();
    const names = /** @type {const} */ ([
      "title",
      "model",
      "purpose",
      "facts",
      "choosing",
      "says",
      "failed",
      "can_undo",
      "offer",
    ]);
    for (const name of names) model.on(`change:${name}`, tell);
    model.on("change:presets", presets);
    this.unfollow = () => {
      for (const name of names) model.off(`change:${name}`, tell);
      model.off("change:presets", presets);
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
    on(parts.change, "click", () => {
      model.set("choosing", !model.get("choosing"));
      model.save_changes();
    });
    on(parts.undo, "click", () => this.post({ do: "undo" }));
    on(parts.offer, "click", () => this.post({ do: "settings" }));
    on(parts.cancel, "click", () => this.closeKeeping());
    on(parts.keeping, "submit", (event) => {
      event.preventDefault();
      const name = parts.name.value.trim();
      if (name) this.post({ do: "keep", name });
      this.closeKeeping();
    });
    on(el, "keydown", (event) => {
      if (event.key === "Tab" || event.ctrlKey || event.metaKey) return;
      event.stopPropagation();
      if (event.key === "Escape" && !parts.keeping.hidden) this.closeKeeping();
    });
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
  const view = new HeadView(props);
  return () => view.end();
}

export default { render };
