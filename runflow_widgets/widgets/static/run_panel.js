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

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {string} name
 * @param {HTMLElement} parent
 * @returns {HTMLElementTagNameMap[K]}
 */
function add(tag, name, parent) {
  const element = document.createElement(tag);
  element.className = `rfw-run-${name}`;
  parent.append(element);
  return element;
}

/**
 * @param {HTMLElement} root
 */
function build(root) {
  root.classList.add("rfw-run");
  const head = add("div", "head", root);
  const title = add("span", "title", head);
  const says = add("span", "says", head);
  // Said by a screen reader when it changes; the clock beside it is not.
  says.setAttribute("role", "status");
  const bar = add("div", "bar", root);
  bar.setAttribute("role", "progressbar");
  bar.setAttribute("aria-label", "Progress of the run");
  bar.setAttribute("aria-valuemin", "0");
  bar.setAttribute("aria-valuemax", "100");
  const fill = add("div", "fill", bar);
  const foot = add("div", "foot", root);
  const time = add("span", "time", foot);
  const price = add("span", "price", foot);
  const where = add("span", "where", foot);
  const button = add("button", "button", foot);
  button.type = "button";
  const result = add("div", "result", root);
  const picture = add("img", "picture", result);
  picture.alt = "First result of the run";
  const files = add("div", "files", result);
  return { title, says, bar, fill, time, price, where, button, picture, files };
}

/**
 * @param {RenderProps<Model>} props
 * @returns {() => void}
 */
function render({ model, el }) {
  const parts = build(el);
  const listening = new AbortController();
  let written = performance.now();
  let pictureUrl = "";

  const clock = () => {
    const since = model.get("done") ? 0 : (performance.now() - written) / 1000;
    const elapsed = model.get("elapsed_s") + since;
    parts.time.textContent = timeText(elapsed, model.get("typical_s"), model.get("done"));
  };

  const bar = () => {
    const fraction = barFraction({
      progress: model.get("progress"),
      done: model.get("done"),
      failed: model.get("failed"),
    });
    parts.bar.classList.toggle("rfw-run-unknown", fraction === null);
    parts.fill.style.width = fraction === null ? "" : `${fraction * 100}%`;
    if (fraction === null) parts.bar.removeAttribute("aria-valuenow");
    else parts.bar.setAttribute("aria-valuenow", String(Math.round(fraction * 100)));
  };

  const picture = () => {
    const data = model.get("picture");
    if (pictureUrl) URL.revokeObjectURL(pictureUrl);
    pictureUrl = "";
    if (data?.byteLength) {
      // Copied: the view's buffer is replaced when the trait changes.
      const bytes = new Uint8Array(data.byteLength);
      bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      pictureUrl = URL.createObjectURL(new Blob([bytes], { type: "image/webp" }));
      parts.picture.src = pictureUrl;
    }
    parts.picture.hidden = !pictureUrl;
  };

  const update = () => {
    parts.title.textContent = model.get("title");
    parts.says.textContent = model.get("says");
    parts.price.textContent = model.get("price");
    parts.where.textContent = model.get("where");
    parts.files.textContent = model.get("files").join("\n");
    parts.button.textContent = model.get("embedded") ? "Cancel" : "Stop waiting";
    parts.button.title = model.get("embedded")
      ? "Cancel the run"
      : "Stop waiting here; the run goes on at the service and is billed";
    parts.button.hidden = model.get("done");
    el.dataset.state = model.get("failed") ? "failed" : model.get("done") ? "done" : "going";
    bar();
    clock();
  };

  const changed = () => {
    written = performance.now();
    update();
  };
  const names = ["title", "status", "says", "where", "price", "elapsed_s", "typical_s", "progress"];
  for (const name of [...names, "done", "failed", "embedded", "files"]) {
    model.on(`change:${name}`, changed);
  }
  model.on("change:picture", picture);
  parts.button.addEventListener(
    "click",
    () => model.send({ do: model.get("embedded") ? "cancel" : "stop" }),
    { signal: listening.signal },
  );
  const ticking = setInterval(() => {
    if (!model.get("done")) clock();
  }, 100);
  update();
  picture();

  return () => {
    listening.abort();
    clearInterval(ticking);
    for (const name of [...names, "done", "failed", "embedded", "files"]) {
      model.off(`change:${name}`, changed);
    }
    model.off("change:picture", picture);
    if (pictureUrl) URL.revokeObjectURL(pictureUrl);
  };
}

export default { render };
