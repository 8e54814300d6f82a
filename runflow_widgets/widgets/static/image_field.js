/** @import { RenderProps } from "@anywidget/types" */

/**
 * The traits this widget shares with Python.
 * @typedef {{
 *   label: string,
 *   facts: string,
 *   thumb: DataView,
 *   error: string,
 *   busy: string,
 *   limit_bytes: number,
 *   disabled: boolean,
 *   takes: "image" | "file",
 *   several: boolean,
 * }} Model
 */

/** A message may have ten megabytes; many small ones show how far it is, and let others through. */
export const CHUNK = 1_000_000;
/** So many pieces may be under way before the kernel has said that it has the first. */
export const AHEAD = 4;

/**
 * Where a file is cut: start and end of each piece.
 * @param {number} size
 * @returns {[number, number][]}
 */
export function pieces(size) {
  /** @type {[number, number][]} */
  const all = [];
  for (let at = 0; at < size; at += CHUNK) all.push([at, Math.min(at + CHUNK, size)]);
  return all;
}

/**
 * Why a file is not even sent; empty if it may be.
 * @param {{ name: string, size: number, type: string }} file
 * @param {number} limit
 * @param {"image" | "file"} takes
 * @returns {string}
 */
export function objection({ name, size, type }, limit, takes = "image") {
  if (size === 0) return `${name} is empty.`;
  if (size > limit) {
    return `${name} has ${(size / 1e6).toFixed(1)} MB; at most ${Math.round(limit / 1e6)} MB are taken.`;
  }
  if (takes === "image" && type && !type.startsWith("image/"))
    return `${name} is no picture: it is ${type}.`;
  return "";
}

/**
 * What a drop or a paste brings: files, or an address, or a path; null if there is nothing for us.
 * @param {{ files: ArrayLike<File>, getData: (kind: string) => string } | null} transfer
 * @returns {{ files: File[] } | { text: string } | null}
 */
export function brought(transfer) {
  if (!transfer) return null;
  const files = Array.from(transfer.files);
  const pictures = files.filter((one) => one.type.startsWith("image/"));
  if (files.length) return { files: pictures.length ? pictures : files };
  const lines = (transfer.getData("text/uri-list") || transfer.getData("text/plain")).split("\n");
  const text = lines.map((line) => line.trim()).find((line) => line && !line.startsWith("#"));
  return text ? { text } : null;
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
  if (name) element.className = `rfw-field-${name}`;
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

let count = 0;

/** @param {HTMLElement} el */
function build(el) {
  count += 1;
  const id = `rfw-field-${count}-${Math.random().toString(36).slice(2)}`;
  el.classList.add("rfw-field");
  el.setAttribute("role", "group");
  el.setAttribute("aria-labelledby", `${id}-label`);
  const label = add("div", "label", el, { id: `${id}-label` });
  const zone = add("div", "zone", el, { tabindex: "0", "aria-describedby": `${id}-hint` });
  const picture = add("img", "thumb", zone);
  const inside = add("div", "inside", zone);
  const facts = add("div", "facts", inside);
  const hint = add("div", "hint", inside, { id: `${id}-hint` });
  const actions = add("div", "actions", inside);
  const choose = addButton(actions, "choose", "Choose a file…");
  const here = addButton(actions, "here", "From the notebook");
  const camera = addButton(actions, "camera", "Camera");
  const clear = addButton(actions, "clear", "Clear");
  const file = add("input", "file", actions, { type: "file", accept: "image/*", hidden: "" });
  const typed = add("div", "typed", inside);
  const text = add("input", "text", typed, {
    type: "text",
    list: `${id}-paths`,
    placeholder: "path or web address",
    "aria-label": "Path or address of a picture",
    spellcheck: "false",
    autocomplete: "off",
  });
  const paths = add("datalist", "", typed, { id: `${id}-paths` });
  const offer = add("div", "offer", el, { role: "listbox", "aria-label": "Pictures at hand" });
  offer.hidden = true;
  const film = add("div", "film", el, { role: "group", "aria-label": "Camera" });
  film.hidden = true;
  const says = add("div", "says", el, { role: "status" });
  const bar = add("progress", "bar", el, { max: "1", "aria-label": "Upload" });
  bar.hidden = true;
  const buttons = { choose, here, camera, clear };
  return {
    label,
    zone,
    picture,
    facts,
    hint,
    ...buttons,
    file,
    text,
    paths,
    offer,
    film,
    says,
    bar,
  };
}

/** One view of a field. */
class FieldView {
  /** @param {RenderProps<Model>} props */
  constructor({ model, el }) {
    this.model = model;
    this.el = el;
    this.parts = build(el);
    this.listening = new AbortController();
    this.thumbUrl = "";
    /** @type {MediaStream | null} */
    this.stream = null;
    /** @type {Promise<void>} */
    this.reading = Promise.resolve();
    /**
     * @type {{ id: string, file: File, next: number, of: [number, number][],
     *   what: { id: string, name: string, size: number, more: boolean } } | null}
     */
    this.sending = null;
    /** @type {File[]} */
    this.waiting = [];
    this.follow();
    this.listen();
    this.tell();
    this.showThumb();
  }

  /** @param {Record<string, unknown>} content @param {ArrayBuffer[]} buffers */
  post(content, buffers = []) {
    try {
      this.model.send(content, undefined, buffers);
    } catch {
      this.refuse("The kernel of this field is gone: run its cell again.");
    }
  }

  // -------------------------------------------------------------- files

  /** @param {File[]} files */
  take(files) {
    if (!files.length || this.model.get("disabled")) return;
    this.waiting = this.model.get("several") ? files.slice(1) : [];
    this.upload(files[0], false);
  }

  /** @param {File} file @param {boolean} more Whether it goes beside the first, and not into this field. */
  upload(file, more) {
    const why = objection(file, this.model.get("limit_bytes"), this.model.get("takes"));
    if (why) {
      this.refuse(why);
      this.uploadNext();
      return;
    }
    const id = Math.random().toString(36).slice(2);
    const what = { id, name: file.name || "pasted.png", size: file.size, more };
    this.sending = { id, file, next: 0, of: pieces(file.size), what };
    this.post({ do: "begin", ...what });
    this.parts.bar.hidden = file.size <= CHUNK;
    this.parts.bar.value = 0;
    for (let piece = 0; piece < AHEAD; piece++) this.sendNext();
  }

  uploadNext() {
    const next = this.waiting.shift();
    if (next) this.upload(next, true);
  }

  async sendNext() {
    const { sending } = this;
    if (!sending || sending.next >= sending.of.length) return;
    const [start, end] = sending.of[sending.next];
    sending.next += 1;
    // Each says what it belongs to, and where: on its way it may overtake another.
    this.reading = this.reading.then(async () => {
      const buffer = await sending.file.slice(start, end).arrayBuffer();
      if (this.sending === sending)
        this.post({ do: "chunk", at: start, ...sending.what }, [buffer]);
    });
    await this.reading;
  }

  /** @param {{ kind: string, id: string, bytes: number, text: string, paths: string[], names: string[][], results: string[][] }} message */
  heard(message) {
    const { sending, parts } = this;
    if (message.kind === "got" && message.id === sending?.id) {
      parts.bar.value = message.bytes / sending.file.size;
      if (message.bytes >= sending.file.size) {
        this.sending = null;
        parts.bar.hidden = true;
        this.uploadNext();
      } else this.sendNext();
    } else if (message.kind === "paths" && message.text === parts.text.value) {
      parts.paths.replaceChildren();
      for (const path of message.paths) add("option", "", parts.paths, { value: path });
    } else if (message.kind === "offer" && this.asked) {
      this.asked = false;
      this.showOffer(message.names, message.results);
    }
  }

  /** @param {DataTransfer | null} transfer */
  takeBrought(transfer) {
    const what = brought(transfer);
    if (!what) return false;
    if ("files" in what) this.take(what.files);
    else this.post({ do: "text", text: what.text });
    return true;
  }

  // -------------------------------------------------------------- what is at hand

  offer() {
    if (!this.parts.offer.hidden) {
      this.parts.offer.hidden = true;
      this.parts.here.setAttribute("aria-expanded", "false");
      return;
    }
    this.asked = true;
    this.post({ do: "offer" });
  }

  /**
   * @param {string[][]} names
   * @param {string[][]} results
   */
  showOffer(names, results) {
    const { offer, here } = this.parts;
    offer.replaceChildren();
    const row = (
      /** @type {string} */ name,
      /** @type {string} */ says,
      /** @type {Record<string, string>} */ content,
    ) => {
      const one = add("button", "choice", offer, { type: "button", role: "option" });
      if (name) add("code", "", one).textContent = name;
      add("span", "", one).textContent = says;
      one.addEventListener("click", () => {
        this.post(content);
        this.offer();
        here.focus();
      });
    };
    for (const [name, says] of names) row(name, says, { do: "name", name });
    for (const [path, says] of results) row("", says, { do: "result", path });
    if (!offer.childElementCount) {
      add("span", "none", offer).textContent =
        "No variable and no earlier result holds a picture yet.";
    }
    offer.hidden = false;
    here.setAttribute("aria-expanded", "true");
    offer.querySelector("button")?.focus();
  }

  // -------------------------------------------------------------- camera

  async openCamera() {
    const { film } = this.parts;
    if (this.stream) {
      this.closeCamera();
      return;
    }
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({
        video: { width: { ideal: 1920 } },
      });
    } catch {
      this.refuse("The camera cannot be used: none is there, or this page may not use it.");
      return;
    }
    film.replaceChildren();
    const video = add("video", "video", film, { autoplay: "", playsinline: "", muted: "" });
    video.srcObject = this.stream;
    const shoot = addButton(film, "shoot", "Take the picture");
    addButton(film, "cancel", "Close the camera").addEventListener("click", () =>
      this.closeCamera(),
    );
    shoot.addEventListener("click", () => this.shoot(video));
    film.hidden = false;
    shoot.focus();
  }

  /** @param {HTMLVideoElement} video */
  async shoot(video) {
    if (!video.videoWidth) return;
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d")?.drawImage(video, 0, 0);
    const blob = await new Promise((/** @type {(blob: Blob | null) => void} */ done) =>
      canvas.toBlob(done, "image/jpeg", 0.95),
    );
    this.closeCamera();
    if (blob) this.take([new File([blob], "camera.jpg", { type: "image/jpeg" })]);
  }

  closeCamera() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.parts.film.replaceChildren();
    this.parts.film.hidden = true;
  }

  // -------------------------------------------------------------- what is shown

  tell() {
    const { model, parts } = this;
    const facts = model.get("facts");
    const disabled = model.get("disabled");
    const any = model.get("takes") === "file";
    parts.hint.textContent = any ? "Drop a file here, or" : "Drop a picture here, paste one, or";
    parts.file.accept = any ? "" : "image/*";
    parts.file.multiple = model.get("several");
    parts.here.hidden = any;
    parts.camera.hidden = any || !navigator.mediaDevices?.getUserMedia;
    parts.text.setAttribute("aria-label", `Path or address of a ${any ? "file" : "picture"}`);
    parts.label.textContent = model.get("label");
    parts.label.hidden = !model.get("label");
    parts.facts.textContent = facts;
    parts.facts.hidden = !facts;
    parts.hint.hidden = Boolean(facts);
    parts.clear.hidden = !facts;
    parts.picture.alt = facts ? `Chosen: ${facts}` : "";
    parts.choose.textContent = facts ? "Choose another…" : "Choose a file…";
    for (const one of [parts.choose, parts.here, parts.camera, parts.clear, parts.text])
      one.disabled = disabled;
    const error = model.get("error");
    this.say(model.get("busy") || error, Boolean(error) && !model.get("busy"));
    if (error) {
      this.sending = null;
      parts.bar.hidden = true;
    }
  }

  /**
   * @param {string} text
   * @param {boolean} failed
   */
  say(text, failed) {
    this.parts.says.textContent = text;
    this.parts.says.classList.toggle("rfw-field-failed", failed);
  }

  /** @param {string} why */
  refuse(why) {
    this.say(why, true);
  }

  showThumb() {
    const data = this.model.get("thumb");
    if (this.thumbUrl) URL.revokeObjectURL(this.thumbUrl);
    this.thumbUrl = "";
    if (data?.byteLength) {
      const bytes = new Uint8Array(data.byteLength);
      bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      this.thumbUrl = URL.createObjectURL(new Blob([bytes], { type: "image/webp" }));
      this.parts.picture.src = this.thumbUrl;
    }
    this.parts.picture.hidden = !this.thumbUrl;
  }

  // -------------------------------------------------------------- wiring

  follow() {
    const { model } = this;
    const tell = () => this.tell();
    const thumb = () => this.showThumb();
    const heard = (/** @type {any} */ message) => this.heard(message);
    const names = [
      "label",
      "facts",
      "error",
      "busy",
      "limit_bytes",
      "disabled",
      "takes",
      "several",
    ];
    for (const name of names) model.on(/** @type {any} */ (`change:${name}`), tell);
    model.on("change:thumb", thumb);
    model.on("msg:custom", heard);
    this.unfollow = () => {
      for (const name of names) model.off(/** @type {any} */ (`change:${name}`), tell);
      model.off("change:thumb", thumb);
      model.off("msg:custom", heard);
    };
  }

  listen() {
    const { parts, el } = this;
    const { signal } = this.listening;
    const on = (
      /** @type {EventTarget} */ target,
      /** @type {string} */ name,
      /** @type {(event: any) => void} */ act,
    ) => target.addEventListener(name, act, { signal });
    on(parts.choose, "click", () => parts.file.click());
    on(parts.file, "change", () => {
      this.take(Array.from(parts.file.files ?? []));
      parts.file.value = "";
    });
    on(parts.here, "click", () => this.offer());
    on(parts.camera, "click", () => this.openCamera());
    on(parts.clear, "click", () => {
      this.post({ do: "clear" });
      parts.zone.focus();
    });
    on(parts.text, "input", () => {
      if (!parts.text.value.includes("://")) this.post({ do: "complete", text: parts.text.value });
    });
    on(parts.text, "change", () => {
      if (parts.text.value) this.post({ do: "text", text: parts.text.value });
    });
    for (const name of ["dragenter", "dragover"]) {
      on(el, name, (event) => {
        event.preventDefault();
        event.stopPropagation();
        el.classList.add("rfw-field-over");
      });
    }
    on(el, "dragleave", () => el.classList.remove("rfw-field-over"));
    on(el, "drop", (event) => {
      event.preventDefault();
      // The notebook would put the file into a cell.
      event.stopPropagation();
      el.classList.remove("rfw-field-over");
      if (!this.takeBrought(event.dataTransfer))
        this.refuse("That was neither a file nor an address.");
    });
    on(el, "paste", (event) => {
      event.stopPropagation();
      if (event.target === parts.text && !event.clipboardData?.files.length) return;
      if (this.takeBrought(event.clipboardData)) event.preventDefault();
    });
    on(el, "keydown", (event) => this.key(event));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.key === "Tab" || event.ctrlKey || event.metaKey) return;
    event.stopPropagation();
    const { offer, here, zone, choose } = this.parts;
    const choices = /** @type {HTMLElement[]} */ ([...offer.querySelectorAll("button")]);
    const at = choices.indexOf(/** @type {HTMLElement} */ (event.target));
    if (event.key === "Escape") {
      if (!offer.hidden) {
        this.offer();
        here.focus();
      } else if (this.stream) this.closeCamera();
      else if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    } else if (at >= 0 && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      choices[
        (at + (event.key === "ArrowDown" ? 1 : -1) + choices.length) % choices.length
      ].focus();
    } else if (event.target === zone && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      choose.click();
    }
  }

  end() {
    this.listening.abort();
    this.unfollow?.();
    this.closeCamera();
    if (this.sending) this.post({ do: "stop", id: this.sending.id });
    if (this.thumbUrl) URL.revokeObjectURL(this.thumbUrl);
  }
}

/**
 * @param {RenderProps<Model>} props
 * @returns {() => void}
 */
function render(props) {
  const view = new FieldView(props);
  return () => view.end();
}

export default { render };
