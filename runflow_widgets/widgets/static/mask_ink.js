/** @import { RenderProps } from "@anywidget/types" */

/**
 * What the canvas shows: `x`, `y` is the place in the picture at the left top corner, `scale` the number of canvas
 * pixels for one of the picture, `photo` and `mask` are the marks of the drawings, `by` the page that asked for it.
 * @typedef {{
 *   x: number, y: number, scale: number, width: number, height: number, photo: number, mask: number, by: string,
 * }} Shown
 */

/** @typedef {{ x: number, y: number, scale: number, width: number, height: number }} View */

/**
 * A shape on its way into the mask: triples of x, y, radius for strokes, pairs for polygons, two corners for boxes.
 * @typedef {{
 *   id: string,
 *   kind: "stroke" | "rectangle" | "ellipse" | "polygon",
 *   tool: string,
 *   erase: boolean,
 *   numbers: number[],
 *   mark: number | null,
 *   until: number,
 * }} Op
 */

/**
 * The model that can be run from the pad, and how far that is.
 * @typedef {{
 *   model?: string, price?: string, auto?: boolean, state?: "idle" | "running" | "result", says?: string,
 * }} Runs
 */

/**
 * The traits this widget shares with Python.
 * @typedef {{
 *   label: string,
 *   size: number[],
 *   stage: number[],
 *   shown: Shown,
 *   tool: string,
 *   brush_px: number,
 *   colour: string,
 *   opacity: number,
 *   look: string,
 *   coverage: number,
 *   bbox: number[],
 *   warning: string,
 *   says: string,
 *   failed: boolean,
 *   busy: string,
 *   undo: string,
 *   redo: string,
 *   convention: string,
 *   runs: Runs,
 * }} Model
 */

// ---------------------------------------------------------------- shapes, in the arithmetic of painting/spans.py

/** The smallest disc that always holds the centre of a pixel, wherever it lies. */
export const LEAST_RADIUS = 0.7072;

/**
 * Where a row's centre line enters and leaves the way of a round brush from a to b; null if it does not.
 * @param {number} ax
 * @param {number} ay
 * @param {number} ar
 * @param {number} bx
 * @param {number} by
 * @param {number} br
 * @param {number} centre
 * @returns {[number, number] | null}
 */
export function strokeSpan(ax, ay, ar, bx, by, br, centre) {
  let left = Number.POSITIVE_INFINITY;
  let right = Number.NEGATIVE_INFINITY;
  const disc = (/** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ radius) => {
    const away = centre - y;
    const square = radius * radius - away * away;
    if (square < 0) return;
    const half = Math.sqrt(square);
    left = Math.min(left, x - half);
    right = Math.max(right, x + half);
  };
  disc(ax, ay, ar);
  disc(bx, by, br);
  const dx = bx - ax;
  const dy = by - ay;
  const length = Math.sqrt(dx * dx + dy * dy);
  if (length > 0) {
    const acrossX = -dy / length;
    const acrossY = dx / length;
    const xs = [ax + acrossX * ar, bx + acrossX * br, bx - acrossX * br, ax - acrossX * ar];
    const ys = [ay + acrossY * ar, by + acrossY * br, by - acrossY * br, ay - acrossY * ar];
    for (let p = 0; p < 4; p++) {
      const q = (p + 1) % 4;
      if (ys[p] <= centre === ys[q] <= centre) continue;
      const at = xs[p] + ((centre - ys[p]) * (xs[q] - xs[p])) / (ys[q] - ys[p]);
      left = Math.min(left, at);
      right = Math.max(right, at);
    }
  }
  return left <= right ? [left, right] : null;
}

/**
 * @param {number[]} corners left, top, right, bottom in any order
 * @param {number} centre
 * @returns {[number, number] | null}
 */
export function rectangleSpan(corners, centre) {
  const top = Math.min(corners[1], corners[3]);
  const bottom = Math.max(corners[1], corners[3]);
  if (centre < top || centre > bottom) return null;
  return [Math.min(corners[0], corners[2]), Math.max(corners[0], corners[2])];
}

/**
 * @param {number[]} corners left, top, right, bottom in any order
 * @param {number} centre
 * @returns {[number, number] | null}
 */
export function ellipseSpan(corners, centre) {
  const radiusX = Math.abs(corners[2] - corners[0]) / 2;
  const radiusY = Math.abs(corners[3] - corners[1]) / 2;
  if (radiusY === 0) return null;
  const middle = (corners[0] + corners[2]) / 2;
  const away = (centre - (corners[1] + corners[3]) / 2) / radiusY;
  const square = 1 - away * away;
  if (square < 0) return null;
  const half = radiusX * Math.sqrt(square);
  return [middle - half, middle + half];
}

/**
 * The parts of a row inside a closed line; where it winds round twice is inside too.
 * @param {number[]} numbers x, y, x, y, …
 * @param {number} centre
 * @returns {[number, number][]}
 */
export function polygonSpans(numbers, centre) {
  /** @type {[number, number][]} */
  const crossings = [];
  const count = numbers.length / 2;
  for (let index = 0; index < count; index++) {
    const next = (index + 1) % count;
    const [px, py] = [numbers[2 * index], numbers[2 * index + 1]];
    const [qx, qy] = [numbers[2 * next], numbers[2 * next + 1]];
    if (py <= centre === qy <= centre) continue;
    crossings.push([px + ((centre - py) * (qx - px)) / (qy - py), py <= qy ? 1 : -1]);
  }
  crossings.sort((one, other) => one[0] - other[0]);
  /** @type {[number, number][]} */
  const spans = [];
  let winding = 0;
  let from = 0;
  for (const [at, turn] of crossings) {
    if (winding === 0) from = at;
    winding += turn;
    if (winding === 0) spans.push([from, at]);
  }
  return spans;
}

/**
 * The first and last pixel whose centres lie in a span, inside a picture of that width; null if there is none.
 * @param {[number, number]} span
 * @param {number} width
 * @returns {[number, number] | null}
 */
export function pixelRun([left, right], width) {
  const first = Math.max(Math.ceil(left - 0.5), 0);
  const last = Math.min(Math.floor(right - 0.5), width - 1);
  return first <= last ? [first, last] : null;
}

/**
 * All runs of pixels of a shape in one row of the picture.
 * @param {{ kind: string, numbers: number[] }} shape
 * @param {number} row
 * @param {number} width
 * @returns {[number, number][]}
 */
export function shapeRuns({ kind, numbers }, row, width) {
  const centre = row + 0.5;
  /** @type {([number, number] | null)[]} */
  let spans = [];
  if (kind === "rectangle") spans = [rectangleSpan(numbers, centre)];
  else if (kind === "ellipse") spans = [ellipseSpan(numbers, centre)];
  else if (kind === "polygon") spans = polygonSpans(numbers, centre);
  else {
    for (let at = 0; at < Math.max(1, numbers.length / 3 - 1); at++) {
      spans.push(segmentSpan(numbers, at, centre));
    }
  }
  const runs = spans.map((span) => (span ? pixelRun(span, width) : null));
  return runs.filter((run) => run !== null);
}

/**
 * The span of one segment of a stroke; of a lone dab the first is all there is.
 * @param {number[]} numbers
 * @param {number} index
 * @param {number} centre
 * @returns {[number, number] | null}
 */
function segmentSpan(numbers, index, centre) {
  const a = 3 * index;
  const b = numbers.length > a + 3 ? a + 3 : a;
  return strokeSpan(
    numbers[a],
    numbers[a + 1],
    Math.max(numbers[a + 2], LEAST_RADIUS),
    numbers[b],
    numbers[b + 1],
    Math.max(numbers[b + 2], LEAST_RADIUS),
    centre,
  );
}

/**
 * The top and bottom of a shape, or of a stroke from one of its segments on.
 * @param {{ kind: string, numbers: number[] }} shape
 * @param {number} from
 * @returns {[number, number]}
 */
export function extent({ kind, numbers }, from = 0) {
  let top = Number.POSITIVE_INFINITY;
  let bottom = Number.NEGATIVE_INFINITY;
  const step = kind === "stroke" ? 3 : 2;
  for (let at = from * step; at < numbers.length; at += step) {
    const radius = kind === "stroke" ? Math.max(numbers[at + 2], LEAST_RADIUS) : 0;
    top = Math.min(top, numbers[at + 1] - radius);
    bottom = Math.max(bottom, numbers[at + 1] + radius);
  }
  return [top, bottom];
}

// ---------------------------------------------------------------- views

/**
 * The picture's column (or row) under each column (or row) of the canvas, as painting/visible.py has it.
 * @param {number} count
 * @param {number} scale
 * @param {number} start
 * @returns {Int32Array<ArrayBuffer>}
 */
export function pixelsUnder(count, scale, start) {
  const under = new Int32Array(count);
  for (let at = 0; at < count; at++) under[at] = Math.floor((at + 0.5) / scale + start);
  return under;
}

/**
 * The first index of a rising list whose value is not below `value`.
 * @param {Int32Array} list
 * @param {number} value
 * @returns {number}
 */
export function firstNotBelow(list, value) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * All of a picture, as large as it fits, in the middle.
 * @param {number[]} size
 * @param {number} width
 * @param {number} height
 * @returns {View}
 */
export function wholeView(size, width, height) {
  const scale = Math.min(width / size[0], height / size[1]);
  return {
    x: (size[0] - width / scale) / 2,
    y: (size[1] - height / scale) / 2,
    scale,
    width,
    height,
  };
}

/**
 * A view enlarged by a factor, about a point of the canvas that stays where it is.
 * @param {View} view
 * @param {number[]} size
 * @param {number} factor
 * @param {number} atX
 * @param {number} atY
 * @returns {View}
 */
export function zoomed(view, size, factor, atX, atY) {
  const whole = wholeView(size, view.width, view.height).scale;
  const scale = Math.min(Math.max(view.scale * factor, whole / 2), Math.max(64, whole));
  const x = view.x + atX / view.scale - atX / scale;
  const y = view.y + atY / view.scale - atY / scale;
  return held({ ...view, x, y, scale }, size);
}

/**
 * The same view, pushed back so far that some of the picture stays in sight.
 * @param {View} view
 * @param {number[]} size
 * @returns {View}
 */
export function held(view, size) {
  const across = view.width / view.scale;
  const down = view.height / view.scale;
  const keep = (
    /** @type {number} */ at,
    /** @type {number} */ span,
    /** @type {number} */ edge,
  ) => {
    if (span >= edge) return (edge - span) / 2;
    return Math.min(Math.max(at, -span / 4), edge - (span * 3) / 4);
  };
  return { ...view, x: keep(view.x, across, size[0]), y: keep(view.y, down, size[1]) };
}

/**
 * Whether a mark has been reached, in a count that begins anew after 24 bits.
 * @param {number} seen
 * @param {number} wanted
 * @returns {boolean}
 */
export function isReached(seen, wanted) {
  return ((seen - wanted) & 0xffffff) < 0x800000;
}

// ---------------------------------------------------------------- words and colours

/**
 * "3.2 % marked · 120 × 80 px at 40, 16".
 * @param {number} coverage
 * @param {number[]} bbox
 * @returns {string}
 */
export function factsText(coverage, bbox) {
  if (!bbox.length) return "Nothing marked";
  const percent = 100 * coverage;
  const share = percent >= 10 ? percent.toFixed(0) : percent.toPrecision(2);
  const [left, top, right, bottom] = bbox;
  return `${Number(share)} % marked · ${right - left} × ${bottom - top} px at ${left}, ${top}`;
}

/**
 * "#rrggbb" as three numbers.
 * @param {string} colour
 * @returns {[number, number, number]}
 */
export function channels(colour) {
  const value = Number.parseInt(colour.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

/**
 * The next brush size up or down: a tenth more or less, at least one pixel.
 * @param {number} size
 * @param {number} steps
 * @param {number} most
 * @returns {number}
 */
export function resized(size, steps, most) {
  let next = size;
  for (let step = 0; step < Math.abs(steps); step++) {
    const change = Math.max(1, Math.round(next * 0.12));
    next = steps > 0 ? next + change : next - Math.min(change, Math.round(next / 2));
  }
  return Math.min(Math.max(1, Math.round(next)), most);
}

// ---------------------------------------------------------------- the ink

/** The pixels of the ink canvas: opaque, photo and colour already mixed, so that what lies below does not matter. */
class Paper {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.size = [1, 1];
    this.columns = new Int32Array(0);
    this.rows = new Int32Array(0);
    this.pixels = new ImageData(1, 1);
    this.ink = new Uint32Array(1);
    this.painted = new Uint32Array(1);
    this.erased = new Uint32Array(1);
  }

  /**
   * @param {View} view
   * @param {number[]} size
   */
  setView(view, size) {
    this.size = size;
    this.columns = pixelsUnder(view.width, view.scale, view.x);
    this.rows = pixelsUnder(view.height, view.scale, view.y);
    if (this.canvas.width !== view.width || this.canvas.height !== view.height) {
      this.canvas.width = view.width;
      this.canvas.height = view.height;
      this.pixels = new ImageData(view.width, view.height);
      this.ink = new Uint32Array(this.pixels.data.buffer);
    }
  }

  /**
   * Mix what painted and erased pixels look like.
   * @param {ImageData | null} photo the photo as it is on screen
   * @param {string} colour
   * @param {number} opacity
   * @param {boolean} maskOnly
   */
  mix(photo, colour, opacity, maskOnly) {
    const count = this.ink.length;
    if (this.painted.length !== count) {
      this.painted = new Uint32Array(count);
      this.erased = new Uint32Array(count);
    }
    const [red, green, blue] = channels(colour);
    if (maskOnly || photo === null) {
      const alpha = Math.round(opacity * 255) * 2 ** 24;
      this.painted.fill(maskOnly ? 0xffffffff : alpha + blue * 65536 + green * 256 + red);
      this.erased.fill(maskOnly ? 0xff000000 : 0);
      return;
    }
    const from = photo.data;
    const rest = 1 - opacity;
    for (let at = 0, byte = 0; at < count; at++, byte += 4) {
      const mixedRed = from[byte] * rest + red * opacity + 0.5;
      const mixedGreen = from[byte + 1] * rest + green * opacity + 0.5;
      const mixedBlue = from[byte + 2] * rest + blue * opacity + 0.5;
      this.painted[at] = (0xff000000 | (mixedBlue << 16) | (mixedGreen << 8) | mixedRed) >>> 0;
    }
    this.erased.set(new Uint32Array(from.buffer, from.byteOffset, count));
  }

  clear() {
    this.ink.fill(0);
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  /**
   * Draw a shape, or the last segments of a stroke.
   * @param {{ kind: string, numbers: number[], erase: boolean }} shape
   * @param {number} from the first segment that is not drawn yet
   */
  draw(shape, from = 0) {
    const part = from ? { ...shape, numbers: shape.numbers.slice(3 * from) } : shape;
    const [top, bottom] = extent(part);
    const first = firstNotBelow(this.rows, Math.max(0, Math.floor(top)));
    const last = firstNotBelow(this.rows, Math.min(this.size[1], Math.ceil(bottom) + 1));
    const look = shape.erase ? this.erased : this.painted;
    const width = this.canvas.width;
    /** @type {[number, number][]} */
    let runs = [];
    let known = -1;
    for (let row = first; row < last; row++) {
      if (this.rows[row] !== known) {
        known = this.rows[row];
        runs = shapeRuns(part, known, this.size[0]).map(([start, end]) => [
          firstNotBelow(this.columns, start),
          firstNotBelow(this.columns, end + 1),
        ]);
      }
      for (const [start, end] of runs) {
        const at = row * width;
        this.ink.set(look.subarray(at + start, at + end), at + start);
      }
    }
    if (last > first) {
      this.context.putImageData(this.pixels, 0, 0, 0, first, width, last - first);
    }
  }
}

// ---------------------------------------------------------------- the page

const ICONS = {
  brush: "M14 4l6 6-8 7-5-5zM7 12c-3 1-2 5-5 7 4 2 9 0 10-2",
  eraser: "M8 20h12M4 15l9-10 7 6-7 9H8z",
  rectangle: "M4 6h16v12H4z",
  ellipse: "M12 5c5 0 9 3 9 7s-4 7-9 7-9-3-9-7 4-7 9-7z",
  lasso: "M12 4c5 0 9 2 9 6s-4 6-9 6-9-2-9-6 4-6 9-6zM7 15c-2 2 1 3 1 5",
  polygon: "M5 18L3 8l9-4 9 6-4 9z",
  fill: "M4 13l8-8 8 8-8 7zM12 5V2M21 16c1 2 1 4-.500 4S20 18 21 16z",
  magic: "M4 20L15 9M17 3v4M15 5h4M20 10v3M18.500 11.500h3M9 3v3M7.500 4.500h3",
  undo: "M8 5L3 10l5 5M3 10h11c4 0 6 2 6 5s-2 4-5 4",
  redo: "M16 5l5 5-5 5M21 10H10c-4 0-6 2-6 5s2 4 5 4",
  clear: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  invert: "M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18",
  out: "M10 4a6 6 0 1 1 0 12 6 6 0 0 1 0-12zM15 15l5 5M7 10h6",
  in: "M10 4a6 6 0 1 1 0 12 6 6 0 0 1 0-12zM15 15l5 5M7 10h6M10 7v6",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  load: "M12 16V5M7 10l5-5 5 5M4 19h16",
  save: "M12 4v11M7 10l5 5 5-5M4 19h16",
  copy: "M9 9h11v11H9zM15 9V4H4v11h5",
  full: "M4 9V4h5M20 15v5h-5M20 9V4h-5M4 15v5h5M9 9h6v6H9z",
};

/** @type {[string, string, string][]} */
const TOOLS = [
  ["brush", "Brush", "B"],
  ["eraser", "Eraser", "E"],
  ["rectangle", "Rectangle", "R"],
  ["ellipse", "Ellipse", "O"],
  ["lasso", "Lasso", "L"],
  ["polygon", "Polygon", "P"],
  ["fill", "Fill", "F"],
  ["magic", "Magic select", "M"],
];

const HELP = [
  ["B E R O L P F M", "brush, eraser, rectangle, ellipse, lasso, polygon, fill, magic select"],
  ["right button, pen's eraser", "the same tool, taking away"],
  ["Shift", "straight line from the last point; square, circle"],
  ["[ ], Alt + drag, Alt + wheel", "brush size"],
  ["Ctrl + wheel, pinch, + −", "zoom; 0 fits, 1 shows 100 %"],
  ["Space + drag, middle button, two fingers", "move the picture"],
  ["Ctrl + Z, Ctrl + Shift + Z", "undo, redo"],
  ["I, Delete", "invert, clear"],
  ["hold H, V", "see the original; change the view"],
  ["arrows, Shift + arrows", "move the keyboard's cursor"],
  ["Space, Enter", "paint there while held; set a corner"],
  ["Enter, Backspace, Esc", "close, shorten, give up a polygon"],
  ["Tab, Esc", "leave"],
];

const LOOKS = [
  ["overlay", "Overlay"],
  ["outline", "Outline"],
  ["mask", "Mask only"],
  ["photo", "Photo only"],
];

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
  if (name) element.className = `rfw-ink-${name}`;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  // JupyterLab looks at the element that has the focus only; one above it does not count.
  if (element.tabIndex >= 0) element.dataset.lmSuppressShortcuts = "true";
  parent.append(element);
  return element;
}

/**
 * @param {HTMLElement} parent
 * @param {string} name
 * @param {string} title
 * @param {string} icon
 * @returns {HTMLButtonElement}
 */
function addButton(parent, name, title, icon = "") {
  const button = add("button", "button", parent, { type: "button", title, "aria-label": title });
  button.dataset.name = name;
  if (icon) {
    button.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${icon}"/></svg>`;
  } else {
    button.textContent = title;
    button.removeAttribute("aria-label");
  }
  return button;
}

/**
 * @param {HTMLElement} parent
 * @param {string} text
 * @param {Record<string, string>} attributes
 * @returns {HTMLInputElement}
 */
function addInput(parent, text, attributes) {
  const label = add("label", "label", parent);
  if (text) add("span", "", label).textContent = text;
  return add("input", "input", label, attributes);
}

/** @param {HTMLElement} el */
function build(el) {
  el.classList.add("rfw-ink");
  const tools = add("div", "tools", el, { role: "toolbar", "aria-label": "Mask tools" });
  /** @type {Record<string, HTMLButtonElement>} */
  const buttons = {};
  const group = (/** @type {string} */ label) =>
    add("div", "group", tools, { role: "group", "aria-label": label });
  const choice = group("Tool");
  for (const [name, label, key] of TOOLS) {
    const icon = ICONS[/** @type {keyof typeof ICONS} */ (name)];
    buttons[name] = addButton(choice, name, `${label} (${key})`, icon);
  }
  const brush = group("Brush size");
  const slider = addInput(brush, "", {
    type: "range",
    min: "0",
    max: "100",
    step: "1",
    "aria-label": "Brush size",
  });
  const width = addInput(brush, "", {
    type: "number",
    min: "1",
    step: "1",
    "aria-label": "Brush size in pixels",
  });
  add("span", "unit", brush).textContent = "px";
  const steps = group("Steps");
  buttons.undo = addButton(steps, "undo", "Undo (Ctrl+Z)", ICONS.undo);
  buttons.redo = addButton(steps, "redo", "Redo (Ctrl+Shift+Z)", ICONS.redo);
  buttons.clear = addButton(steps, "clear", "Clear (Delete)", ICONS.clear);
  buttons.invert = addButton(steps, "invert", "Invert (I)", ICONS.invert);
  buttons.refine = addButton(steps, "refine", "Refine");
  const zoom = group("Zoom");
  buttons.out = addButton(zoom, "out", "Zoom out (−)", ICONS.out);
  const percent = addButton(zoom, "percent", "100 %");
  percent.title = "Show 100 % (1)";
  buttons.percent = percent;
  buttons.in = addButton(zoom, "in", "Zoom in (+)", ICONS.in);
  buttons.fit = addButton(zoom, "fit", "Fit (0)", ICONS.fit);
  buttons.view = addButton(zoom, "view", "View");
  const files = group("File");
  buttons.load = addButton(files, "load", "Load a mask", ICONS.load);
  buttons.save = addButton(files, "save", "Download the mask", ICONS.save);
  buttons.copy = addButton(files, "copy", "Copy the mask", ICONS.copy);
  buttons.full = addButton(files, "full", "Full screen", ICONS.full);
  buttons.help = addButton(files, "help", "?");
  buttons.help.setAttribute("aria-label", "Keys (?)");
  const file = add("input", "file", files, {
    type: "file",
    accept: "image/*",
    hidden: "",
    tabindex: "-1",
  });

  const refine = add("div", "panel", el, { role: "group", "aria-label": "Refine the mask" });
  const px = addInput(refine, "by", {
    type: "number",
    min: "1",
    max: "999",
    value: "4",
    "aria-label": "Pixels",
  });
  add("span", "unit", refine).textContent = "px";
  for (const [name, label] of [
    ["grow", "Grow"],
    ["shrink", "Shrink"],
    ["smooth", "Smooth"],
    ["remove_specks", "Remove specks"],
    ["fill_holes", "Fill holes"],
  ]) {
    buttons[name] = addButton(refine, name, label);
  }
  buttons.shadow = addButton(refine, "shadow", "Add shadow");
  buttons.shadow.title = "Mark the shadow of the marked object as well";
  const view = add("div", "panel", el, { role: "group", "aria-label": "How the mask is shown" });
  const lookLabel = add("label", "label", view);
  add("span", "", lookLabel).textContent = "show";
  const look = add("select", "select", lookLabel, { "aria-label": "What is shown" });
  for (const [value, text] of LOOKS) add("option", "", look, { value }).textContent = text;
  const colour = addInput(view, "colour", { type: "color", "aria-label": "Colour of the mask" });
  const opacity = addInput(view, "opacity", {
    type: "range",
    min: "0",
    max: "100",
    "aria-label": "Opacity of the mask",
  });
  for (const panel of [refine, view]) panel.hidden = true;
  for (const name of ["refine", "view", "help"])
    buttons[name].setAttribute("aria-expanded", "false");

  const layer = add("div", "layer", el, { tabindex: "0", role: "application" });
  const canvas = add("canvas", "canvas", layer, { "aria-hidden": "true" });
  const svg = add("div", "band", layer, { "aria-hidden": "true" });
  svg.innerHTML = '<svg><path class="rfw-ink-band-under"/><path class="rfw-ink-band-over"/></svg>';
  const ring = add("div", "ring", layer);
  const help = add("div", "help", layer, { role: "dialog", "aria-label": "Keys" });
  help.hidden = true;
  const list = add("div", "keys", help, { role: "list" });
  for (const [keys, meaning] of HELP) {
    const row = add("div", "row", list, { role: "listitem" });
    add("span", "key", row).textContent = keys;
    add("span", "meaning", row).textContent = meaning;
  }
  const question = add("div", "question", el, { role: "alertdialog", "aria-label": "Question" });
  question.hidden = true;
  const runs = add("div", "runs", el, { role: "group", "aria-label": "Run a model on this mask" });
  const status = add("div", "status", el);
  const facts = add("span", "facts", status);
  const says = add("span", "says", status, { role: "status" });
  const panels = { refine, px, view, look, colour, opacity };
  const over = { layer, canvas, svg, ring, help, question, runs, facts, says };
  return { tools, buttons, slider, width, percent, file, ...panels, ...over };
}

/** A file larger than this would be dropped on its way to the kernel, without a word. */
const LARGEST_FILE = 9.5e6;
/** The page waits so long, in milliseconds, for the canvas to show what the kernel says it has drawn. */
const PATIENCE = 3000;
/** Only who has been gone so long, in milliseconds, has left. */
const AWAY = 1000;

/** One view of a pad. */
class Desk {
  /** @param {RenderProps<Model>} props */
  constructor({ model, el }) {
    this.model = model;
    this.el = el;
    this.parts = build(el);
    this.listening = new AbortController();
    this.me = Math.random().toString(36).slice(2);
    this.count = 0;
    /** @type {Op[]} */
    this.pending = [];
    /** @type {Op | null} */
    this.stroke = null;
    /** @type {number[] | null} */
    this.last = null;
    /** @type {number[]} */
    this.corners = [];
    this.cornersErase = false;
    /** @type {{ x: number, y: number } | null} */
    this.keyboard = null;
    /** @type {null | { kind: string, pointer: number, x: number, y: number, view: View, erase: boolean, size: number }} */
    this.gesture = null;
    /** @type {Map<number, { x: number, y: number }>} */
    this.touches = new Map();
    this.pinch = { distance: 1, x: 0, y: 0, view: /** @type {View | null} */ (null) };
    this.penSeen = false;
    this.spaceDown = false;
    this.looking = 0;
    this.asking = 0;
    this.leaving = 0;
    this.mixed = false;
    this.wantsFile = "";
    this.paper = new Paper(this.parts.canvas);
    this.off = /** @type {CanvasRenderingContext2D} */ (
      document.createElement("canvas").getContext("2d", { willReadFrequently: true })
    );
    /** @type {HTMLElement | null} */
    this.root = null;
    /** @type {HTMLCanvasElement | null} */
    this.photo = null;
    /** @type {HTMLCanvasElement | null} */
    this.mask = null;
    this.drawn = model.get("shown");
    /** @type {View} */
    this.view = { ...this.drawn };
    this.awaited = /** @type {{ shown: Shown, until: number } | null} */ (null);
    this.resizing = new ResizeObserver(() => this.fit());
    this.follow();
    this.listen();
    this.facts();
    this.start();
  }

  get size() {
    return this.model.get("size");
  }

  /** Wait until the view is on the page, beside the canvases that it lies over. */
  start() {
    if (this.listening.signal.aborted) return;
    const root = /** @type {HTMLElement | null} */ (this.el.closest(".rfw-pad"));
    const photo = /** @type {HTMLCanvasElement | null} */ (
      root?.querySelector("canvas.rfw-pad-photo")
    );
    const mask = /** @type {HTMLCanvasElement | null} */ (
      root?.querySelector("canvas.rfw-pad-mask")
    );
    if (!root || !photo || !mask) {
      requestAnimationFrame(() => this.start());
      return;
    }
    this.root = root;
    this.photo = photo;
    this.mask = mask;
    // They listen to keys, wheel and pointer on their own account, and would keep Tab for themselves.
    for (const canvas of [photo, mask]) canvas.inert = true;
    this.parts.layer.setAttribute(
      "aria-label",
      `${this.model.get("label")}. Press ? for the keys.`,
    );
    if (root.parentElement) this.resizing.observe(root.parentElement);
    this.adopt(this.model.get("shown"));
    this.dress();
    this.fit();
  }

  // -------------------------------------------------------------- size and view

  /** Take the room there is; ask for a drawing of just that many pixels. */
  fit() {
    if (!this.root) return;
    const [most, mostHigh] = this.model.get("stage");
    let width = Math.min(most, this.root.clientWidth || most);
    let height = (width * mostHigh) / most;
    if (document.fullscreenElement === this.root) {
      const edge = (/** @type {Element} */ one) => one.getBoundingClientRect();
      const above = edge(this.parts.layer).top - edge(this.root).top;
      const below = edge(this.parts.facts).height + edge(this.parts.runs).height + 20;
      width = this.root.clientWidth - 16;
      height = Math.max(100, this.root.clientHeight - above - below);
    }
    this.root.style.setProperty("--rfw-w", `${width}px`);
    this.root.style.setProperty("--rfw-h", `${height}px`);
    const ratio = Math.min(devicePixelRatio || 1, 3);
    const wanted = {
      width: Math.max(1, Math.round(width * ratio)),
      height: Math.max(1, Math.round(height * ratio)),
    };
    const now = this.view;
    if (Math.abs(wanted.width - now.width) > 1 || Math.abs(wanted.height - now.height) > 1) {
      const whole = wholeView(this.size, now.width, now.height);
      if (Math.abs(now.scale - whole.scale) < 1e-6)
        this.view = wholeView(this.size, wanted.width, wanted.height);
      else {
        const scale = (now.scale * wanted.width) / now.width;
        const middle = now.y + now.height / now.scale / 2;
        this.view = held(
          { x: now.x, y: middle - wanted.height / scale / 2, scale, ...wanted },
          this.size,
        );
      }
      this.moved(0);
    } else this.place();
  }

  /** Pixels of the page for one of the canvas. */
  get unit() {
    return this.parts.layer.clientWidth / this.view.width || 1;
  }

  /**
   * Show a view at once, as well as the drawing there is allows; ask the kernel for a sharp one.
   * @param {number} wait
   */
  moved(wait = 60) {
    this.repaint();
    this.place();
    clearTimeout(this.asking);
    this.asking = window.setTimeout(() => {
      const { x, y, scale, width, height } = this.view;
      this.post({ do: "view", by: this.me, x, y, scale, width, height });
    }, wait);
  }

  /** Put the canvases where they belong in the view. */
  place() {
    if (!this.photo || !this.mask) return;
    const { view, drawn, unit } = this;
    const factor = view.scale / drawn.scale;
    const left = (drawn.x - view.x) * view.scale * unit;
    const top = (drawn.y - view.y) * view.scale * unit;
    for (const canvas of [this.photo, this.mask]) {
      canvas.style.width = `${drawn.width * unit}px`;
      canvas.style.height = `${(drawn.height + 1) * unit}px`;
      canvas.style.clipPath = `inset(0 0 ${unit}px 0)`;
      canvas.style.transform = `translate(${left}px, ${top}px) scale(${factor})`;
    }
    this.parts.percent.textContent = `${Math.round((100 * view.scale) / (devicePixelRatio || 1))} %`;
    this.band();
    this.showRing();
  }

  /** @param {Shown} shown */
  adopt(shown) {
    const { drawn } = this;
    // Drawn anew for a page that was loaded just now, nothing has moved.
    const same = /** @type {const} */ (["x", "y", "scale", "width", "height"]).every(
      (name) => shown[name] === drawn[name],
    );
    if (shown.by !== this.me && !same) {
      const { x, y, scale, width, height } = shown;
      this.view = { x, y, scale, width, height };
    }
    this.awaited = { shown, until: performance.now() + PATIENCE };
    this.watch();
  }

  /** Look at every frame whether what the kernel has drawn is on screen, and let go of the ink that is in it. */
  watch() {
    if (this.looking) return;
    const look = () => {
      this.looking = 0;
      if (this.listening.signal.aborted) return;
      const now = performance.now();
      const mask = this.markOf(this.mask);
      if (this.awaited) {
        const { shown, until } = this.awaited;
        const fits = this.photo?.width === shown.width && this.photo.height === shown.height + 1;
        const there =
          fits && isReached(this.markOf(this.photo), shown.photo) && isReached(mask, shown.mask);
        if (there || now > until) {
          this.awaited = null;
          this.drawn = shown;
          this.repaint();
          this.place();
        }
      }
      const left = this.pending.filter(
        (op) => op.mark === null || !(isReached(mask, op.mark) || now > op.until),
      );
      if (left.length < this.pending.length) {
        this.pending = left;
        this.repaint();
      }
      if (this.awaited || this.pending.some((op) => op.mark !== null)) this.watch();
    };
    this.looking = requestAnimationFrame(look);
  }

  /**
   * The number of the drawing on a canvas: the colour of the first pixel of its hidden last row.
   * @param {HTMLCanvasElement | null} canvas
   */
  markOf(canvas) {
    if (!canvas?.width || !canvas.height) return 0;
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const [red, green, blue] = context.getImageData(0, canvas.height - 1, 1, 1).data;
    return (red << 16) | (green << 8) | blue;
  }

  // -------------------------------------------------------------- ink

  /** Draw again all that the kernel has not drawn yet. */
  repaint() {
    this.mixed = false;
    this.paper.setView(this.view, this.size);
    this.paper.clear();
    const ops = this.stroke ? [...this.pending, this.stroke] : this.pending;
    if (!ops.length) return;
    this.mix();
    for (const op of ops) this.paper.draw(op);
  }

  /** Mix the colours from the photo as it is on screen; before a stroke rather than during one. */
  mix() {
    if (this.mixed) return;
    this.mixed = true;
    const { view, drawn } = this;
    const look = this.model.get("look");
    let photo = null;
    if (this.photo) {
      const canvas = this.off.canvas;
      if (canvas.width !== view.width || canvas.height !== view.height) {
        canvas.width = view.width;
        canvas.height = view.height;
      } else this.off.clearRect(0, 0, view.width, view.height);
      const factor = view.scale / drawn.scale;
      const left = (drawn.x - view.x) * view.scale;
      const top = (drawn.y - view.y) * view.scale;
      const { width, height } = drawn;
      this.off.drawImage(
        this.photo,
        0,
        0,
        width,
        height,
        left,
        top,
        width * factor,
        height * factor,
      );
      photo = this.off.getImageData(0, 0, view.width, view.height);
    }
    this.paper.mix(photo, this.model.get("colour"), this.model.get("opacity"), look === "mask");
  }

  /**
   * @param {Op["kind"]} kind
   * @param {string} tool
   * @param {boolean} erase
   * @param {number[]} numbers
   * @returns {Op}
   */
  op(kind, tool, erase, numbers) {
    this.count += 1;
    // What is drawn here must be what is sent: 32-bit floats.
    const rounded = numbers.map(Math.fround);
    return {
      id: `${this.me}-${this.count}`,
      kind,
      tool,
      erase,
      numbers: rounded,
      mark: null,
      until: 0,
    };
  }

  /**
   * Keep a finished shape on screen until the kernel has it; send it as one message.
   * @param {Op} op
   */
  commit(op) {
    this.pending.push(op);
    const { id, kind, tool, erase } = op;
    this.post({ do: "paint", id, kind, tool, erase }, [new Float32Array(op.numbers).buffer]);
    if (op !== this.stroke) {
      this.mix();
      this.paper.draw(op);
    }
  }

  /**
   * @param {Record<string, unknown>} content
   * @param {ArrayBuffer[]} buffers
   */
  post(content, buffers = []) {
    try {
      this.model.send(content, undefined, buffers);
    } catch {
      // A widget whose kernel was restarted cannot reach it any more.
      this.say(
        "The kernel of this pad is gone: run its cell again. With key= the mask comes back.",
      );
      this.parts.says.classList.add("rfw-ink-failed");
    }
  }

  /** @param {Record<string, unknown>} content */
  send(content) {
    this.count += 1;
    this.post({ id: `${this.me}-${this.count}`, ...content });
  }

  /** @param {string} what */
  edit(what) {
    this.send({ do: "edit", what, px: Number(this.parts.px.value) || 1 });
  }

  // -------------------------------------------------------------- pointer

  /**
   * Where an event is on the canvas, in its pixels.
   * @param {{ clientX: number, clientY: number }} event
   */
  onCanvas(event) {
    const box = this.parts.layer.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) / box.width) * this.view.width,
      y: ((event.clientY - box.top) / box.height) * this.view.height,
    };
  }

  /** @param {{ x: number, y: number }} point */
  inPicture({ x, y }) {
    return { x: x / this.view.scale + this.view.x, y: y / this.view.scale + this.view.y };
  }

  /** @param {PointerEvent} event */
  radius(event) {
    const half = this.model.get("brush_px") / 2;
    const presses = event.pointerType === "pen" && event.pressure > 0;
    return presses ? half * (0.25 + 0.75 * event.pressure) : half;
  }

  /** @param {PointerEvent} event */
  down(event) {
    if (event.pointerType === "pen") this.penSeen = true;
    this.hideKeyboard();
    this.parts.layer.focus({ preventScroll: true });
    this.parts.layer.setPointerCapture(event.pointerId);
    if (event.pointerType === "touch") {
      this.touches.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (this.touches.size >= 2) {
        this.beginPinch();
        return;
      }
    }
    if (this.gesture) return;
    const at = this.onCanvas(event);
    const point = this.inPicture(at);
    const erase = event.button === 2 || event.button === 5 || (event.buttons & 32) !== 0;
    const tool = this.model.get("tool");
    const begin = (/** @type {string} */ kind) => {
      const size = this.model.get("brush_px");
      this.gesture = { kind, pointer: event.pointerId, ...at, view: this.view, erase, size };
    };
    // Once a pen has been seen, a touch is the hand that rests on the screen.
    const palm = event.pointerType === "touch" && this.penSeen;
    if (event.button === 1 || this.spaceDown || palm) begin("pan");
    else if (event.altKey && (tool === "brush" || tool === "eraser")) begin("size");
    else if (tool === "brush" || tool === "eraser") {
      begin("stroke");
      this.beginStroke(point, this.radius(event), erase || tool === "eraser", event.shiftKey);
    } else if (tool === "lasso") {
      begin("lasso");
      this.corners = [point.x, point.y];
    } else if (tool === "polygon") this.corner(point, erase);
    else if (tool === "fill") {
      this.send({ do: "fill", x: Math.floor(point.x), y: Math.floor(point.y), erase });
    } else {
      begin("box");
      this.corners = [point.x, point.y, point.x, point.y];
    }
    event.preventDefault();
  }

  /** @param {PointerEvent} event */
  move(event) {
    const { gesture } = this;
    this.showRing(event);
    if (this.touches.has(event.pointerId)) {
      this.touches.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (this.pinch.view) {
        this.movePinch();
        return;
      }
    }
    if (!gesture) {
      this.mix();
      if (this.corners.length && this.model.get("tool") === "polygon")
        this.band(this.inPicture(this.onCanvas(event)));
      return;
    }
    if (gesture.pointer !== event.pointerId) return;
    const at = this.onCanvas(event);
    const point = this.inPicture(at);
    if (gesture.kind === "stroke") this.moveStroke(event);
    else if (gesture.kind === "pan") {
      const { view } = gesture;
      const x = view.x - (at.x - gesture.x) / view.scale;
      const y = view.y - (at.y - gesture.y) / view.scale;
      this.view = held({ ...view, x, y }, this.size);
      this.moved();
    } else if (gesture.kind === "size") {
      const wider = ((at.x - gesture.x) / this.view.scale) * 2;
      this.setBrush(Math.max(1, Math.round(gesture.size + wider)), false);
      this.showRing();
    } else if (gesture.kind === "lasso") {
      for (const one of coalesced(event)) {
        const { x, y } = this.inPicture(this.onCanvas(one));
        this.corners.push(x, y);
      }
      this.band();
    } else {
      let { x, y } = point;
      if (event.shiftKey) {
        const side = Math.max(Math.abs(x - this.corners[0]), Math.abs(y - this.corners[1]));
        x = this.corners[0] + side * Math.sign(x - this.corners[0]);
        y = this.corners[1] + side * Math.sign(y - this.corners[1]);
      }
      this.corners.splice(2, 2, x, y);
      this.band();
    }
  }

  /** @param {PointerEvent} event */
  up(event) {
    this.touches.delete(event.pointerId);
    if (this.pinch.view) {
      if (this.touches.size < 2) this.pinch.view = null;
      return;
    }
    const { gesture, corners } = this;
    if (!gesture || gesture.pointer !== event.pointerId) return;
    this.gesture = null;
    const tool = this.model.get("tool");
    if (gesture.kind === "stroke") this.endStroke();
    else if (gesture.kind === "size") this.model.save_changes();
    else if (gesture.kind === "lasso") {
      this.corners = [];
      if (corners.length >= 6) this.commit(this.op("polygon", tool, gesture.erase, corners));
    } else if (gesture.kind === "box") {
      this.corners = [];
      this.endBox(corners, gesture.erase || event.altKey, tool);
    }
    this.band();
  }

  /**
   * @param {number[]} corners
   * @param {boolean} erase
   * @param {string} tool
   */
  endBox(corners, erase, tool) {
    const [left, top, right, bottom] = corners;
    const isDrag = Math.max(Math.abs(right - left), Math.abs(bottom - top)) * this.view.scale > 4;
    if (tool === "magic") {
      const how = erase ? "subtract" : "add";
      const clamp = (/** @type {number} */ at, /** @type {number} */ edge) =>
        Math.min(Math.max(Math.floor(at), 0), edge - 1);
      const point = [clamp(left, this.size[0]), clamp(top, this.size[1])];
      this.send(isDrag ? { do: "select", box: corners, how } : { do: "select", point, how });
    } else if (isDrag) {
      this.commit(this.op(tool === "ellipse" ? "ellipse" : "rectangle", tool, erase, corners));
    }
  }

  /** @param {PointerEvent} event */
  cancel(event) {
    // What was painted until a gesture is taken away (a call comes in, the system takes over) is kept.
    if (this.gesture?.kind === "stroke") this.up(event);
    this.touches.delete(event.pointerId);
    if (this.touches.size < 2) this.pinch.view = null;
    this.gesture = null;
    if (this.model.get("tool") !== "polygon") this.corners = [];
    this.band();
  }

  /**
   * @param {{ x: number, y: number }} point
   * @param {number} radius
   * @param {boolean} erase
   * @param {boolean} straight
   */
  beginStroke(point, radius, erase, straight) {
    this.mix();
    const numbers = [point.x, point.y, radius];
    if (straight && this.last) numbers.unshift(this.last[0], this.last[1], radius);
    this.stroke = this.op("stroke", erase ? "eraser" : "brush", erase, numbers);
    this.paper.draw(this.stroke);
  }

  /** @param {PointerEvent} event */
  moveStroke(event) {
    const { stroke } = this;
    if (!stroke) return;
    const radius = this.radius(event);
    if (event.shiftKey) {
      const { x, y } = this.inPicture(this.onCanvas(event));
      stroke.numbers.splice(3, stroke.numbers.length, ...[x, y, radius].map(Math.fround));
      this.repaint();
      return;
    }
    const from = stroke.numbers.length / 3 - 1;
    for (const one of coalesced(event)) {
      const { x, y } = this.inPicture(this.onCanvas(one));
      stroke.numbers.push(Math.fround(x), Math.fround(y), Math.fround(this.radius(one)));
    }
    this.paper.draw(stroke, from);
  }

  endStroke() {
    const { stroke } = this;
    if (!stroke) return;
    this.commit(stroke);
    this.stroke = null;
    this.last = stroke.numbers.slice(-3);
  }

  beginPinch() {
    // The first of two fingers was not meant to paint.
    this.stroke = null;
    this.gesture = null;
    this.corners = [];
    this.repaint();
    this.band();
    const [one, other] = [...this.touches.values()];
    const middle = this.onCanvas({
      clientX: (one.x + other.x) / 2,
      clientY: (one.y + other.y) / 2,
    });
    const distance = Math.hypot(one.x - other.x, one.y - other.y) || 1;
    this.pinch = { distance, ...middle, view: this.view };
  }

  movePinch() {
    const { distance, x, y, view } = this.pinch;
    const [one, other] = [...this.touches.values()];
    if (!view || !other) return;
    const middle = this.onCanvas({
      clientX: (one.x + other.x) / 2,
      clientY: (one.y + other.y) / 2,
    });
    const factor = Math.hypot(one.x - other.x, one.y - other.y) / distance;
    const larger = zoomed(view, this.size, factor, x, y);
    const moved = {
      x: larger.x - (middle.x - x) / larger.scale,
      y: larger.y - (middle.y - y) / larger.scale,
    };
    this.view = held({ ...larger, ...moved }, this.size);
    this.moved();
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    if (event.altKey) {
      event.preventDefault();
      this.setBrush(
        resized(this.model.get("brush_px"), event.deltaY < 0 ? 1 : -1, Math.max(...this.size)),
      );
      this.showRing(event);
    } else if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      const { x, y } = this.onCanvas(event);
      this.zoom(Math.exp(-Math.max(-60, Math.min(60, event.deltaY)) / 100), x, y);
    }
    event.stopPropagation();
  }

  /**
   * @param {number} factor
   * @param {number} x
   * @param {number} y
   */
  zoom(factor, x = this.view.width / 2, y = this.view.height / 2) {
    this.view = zoomed(this.view, this.size, factor, x, y);
    this.moved();
  }

  zoomToFit() {
    this.view = wholeView(this.size, this.view.width, this.view.height);
    this.moved(0);
  }

  // -------------------------------------------------------------- polygon, rubber band, ring

  /**
   * @param {{ x: number, y: number }} point
   * @param {boolean} erase
   */
  corner(point, erase) {
    if (!this.corners.length) this.cornersErase = erase;
    const [x, y] = this.corners;
    const near = Math.hypot(point.x - x, point.y - y) * this.view.scale * this.unit < 10;
    if (this.corners.length >= 6 && near) this.closePolygon();
    else {
      this.corners.push(point.x, point.y);
      this.band();
    }
  }

  closePolygon() {
    const { corners } = this;
    this.corners = [];
    if (corners.length >= 6) this.commit(this.op("polygon", "polygon", this.cornersErase, corners));
    this.band();
  }

  /** @param {{ x: number, y: number } | null} towards */
  band(towards = null) {
    const tool = this.model.get("tool");
    const points = towards ? [...this.corners, towards.x, towards.y] : this.corners;
    const onPage = (/** @type {number} */ at) => {
      const start = at % 2 ? this.view.y : this.view.x;
      return ((points[at] - start) * this.view.scale * this.unit).toFixed(1);
    };
    let path = "";
    if (points.length === 4 && !["polygon", "lasso"].includes(tool)) {
      const [left, top, right, bottom] = [0, 1, 2, 3].map(onPage).map(Number);
      if (tool === "ellipse") {
        const [rx, ry] = [Math.abs(right - left) / 2, Math.abs(bottom - top) / 2];
        path = `M${left} ${(top + bottom) / 2}A${rx} ${ry} 0 1 1 ${right} ${(top + bottom) / 2}A${rx} ${ry} 0 1 1 ${left} ${(top + bottom) / 2}Z`;
      } else path = `M${left} ${top}H${right}V${bottom}H${left}Z`;
    } else {
      for (let at = 0; at < points.length; at += 2)
        path += `${at ? "L" : "M"}${onPage(at)} ${onPage(at + 1)}`;
      if (tool === "lasso" && path) path += "Z";
    }
    for (const line of this.parts.svg.querySelectorAll("path")) line.setAttribute("d", path);
  }

  /** @param {{ clientX: number, clientY: number } | null} event */
  showRing(event = null) {
    const { ring, layer } = this.parts;
    const tool = this.model.get("tool");
    const isBrush = tool === "brush" || tool === "eraser";
    if (event) {
      const box = layer.getBoundingClientRect();
      this.hover = { x: event.clientX - box.left, y: event.clientY - box.top };
    }
    let at = this.hover;
    if (this.keyboard) {
      const { x, y } = this.keyboard;
      const factor = this.view.scale * this.unit;
      at = { x: (x - this.view.x) * factor, y: (y - this.view.y) * factor };
    }
    ring.hidden = !at || !(isBrush || this.keyboard);
    if (!at) return;
    const diameter = isBrush
      ? Math.max(3, this.model.get("brush_px") * this.view.scale * this.unit)
      : 9;
    ring.style.width = `${diameter}px`;
    ring.style.height = `${diameter}px`;
    ring.style.transform = `translate(${at.x - diameter / 2}px, ${at.y - diameter / 2}px)`;
  }

  // -------------------------------------------------------------- keyboard

  /** @param {KeyboardEvent} event */
  key(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    const types = target.matches("input:not([type=range]), select, textarea");
    const chord = event.ctrlKey || event.metaKey;
    if (event.key === "Tab") return;
    // The notebook has keys of its own for most letters; none of them may see ours.
    event.stopPropagation();
    if (types) {
      if (event.key === "Escape") this.parts.layer.focus();
      return;
    }
    if (target !== this.parts.layer && this.toolbarKey(event, target)) return;
    const done = chord ? this.chordKey(event) : this.plainKey(event, target === this.parts.layer);
    if (done) event.preventDefault();
  }

  /**
   * One stop of Tab for the whole toolbar; arrows go along it.
   * @param {KeyboardEvent} event
   * @param {HTMLElement} target
   */
  toolbarKey(event, target) {
    if (target.matches("input")) return event.key !== "Escape";
    if (event.key === " " || event.key === "Enter") return true;
    if (!this.parts.tools.contains(target)) return false;
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return false;
    const all = /** @type {HTMLElement[]} */ ([
      ...this.parts.tools.querySelectorAll("button:not(:disabled), input:not([type=file])"),
    ]);
    const next = all[(all.indexOf(target) + step + all.length) % all.length];
    this.rove(next);
    next.focus();
    event.preventDefault();
    return true;
  }

  /** @param {HTMLElement} current */
  rove(current) {
    for (const one of this.parts.tools.querySelectorAll("button, input")) {
      one.setAttribute("tabindex", one === current ? "0" : "-1");
    }
  }

  /** @param {KeyboardEvent} event */
  chordKey(event) {
    const key = event.key.toLowerCase();
    if (key === "z") this.edit(event.shiftKey ? "redo" : "undo");
    else if (key === "y") this.edit("redo");
    else return false;
    return true;
  }

  /**
   * @param {KeyboardEvent} event
   * @param {boolean} onLayer
   */
  plainKey(event, onLayer) {
    const { key } = event;
    const tool = TOOLS.find(([, , letter]) => letter === key.toUpperCase());
    if (tool) this.setTool(tool[0]);
    else if (key === "[" || key === "]") {
      this.setBrush(
        resized(this.model.get("brush_px"), key === "]" ? 1 : -1, Math.max(...this.size)),
      );
      this.showRing();
    } else if (key === "+" || key === "=") this.zoom(1.4);
    else if (key === "-") this.zoom(1 / 1.4);
    else if (key === "0") this.zoomToFit();
    else if (key === "1") this.zoom((devicePixelRatio || 1) / this.view.scale);
    else if (key === "i") this.edit("invert");
    else if (key === "Delete") this.edit("clear");
    else if (key === "v") this.nextLook();
    else if (key === "h") this.root?.setAttribute("data-original", "");
    else if (key === "?") this.toggleHelp();
    else if (key === "Escape") this.escape();
    else if (onLayer) return this.cursorKey(event);
    else return false;
    return true;
  }

  /**
   * The keyboard's own cursor: arrows move it, Space paints, Enter sets corners.
   * @param {KeyboardEvent} event
   */
  cursorKey(event) {
    const { key } = event;
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[
      key
    ];
    if (way) {
      const { view, unit } = this;
      const middle = {
        x: view.x + view.width / view.scale / 2,
        y: view.y + view.height / view.scale / 2,
      };
      const from = this.keyboard ?? middle;
      // About five pixels of the page, but whole pixels of the picture.
      const step = Math.max(1, Math.round(5 / (view.scale * unit))) * (event.shiftKey ? 6 : 1);
      const keep = (/** @type {number} */ at, /** @type {number} */ edge) =>
        Math.min(Math.max(at, 0.5), edge - 0.5);
      const next = { x: from.x + way[0] * step, y: from.y + way[1] * step };
      this.keyboard = {
        x: keep(Math.floor(next.x) + 0.5, this.size[0]),
        y: keep(Math.floor(next.y) + 0.5, this.size[1]),
      };
      this.moveKeyboard();
      return true;
    }
    if (key === " ") {
      if (!this.keyboard) this.spaceDown = true;
      else if (!event.repeat && !this.stroke) {
        const erase = this.model.get("tool") === "eraser";
        const radius = this.model.get("brush_px") / 2;
        this.beginStroke(this.keyboard, radius, erase, false);
      }
      return true;
    }
    if (key === "Backspace" && this.corners.length) {
      this.corners.splice(-2, 2);
      this.band();
      return true;
    }
    if (key === "Enter") {
      this.enter(event.shiftKey);
      return true;
    }
    return false;
  }

  moveKeyboard() {
    const { keyboard, stroke } = this;
    if (!keyboard) return;
    if (stroke) {
      const from = stroke.numbers.length / 3 - 1;
      stroke.numbers.push(
        ...[keyboard.x, keyboard.y, this.model.get("brush_px") / 2].map(Math.fround),
      );
      this.paper.draw(stroke, from);
    }
    if (this.corners.length) {
      if (this.corners.length === 4 && this.model.get("tool") !== "polygon")
        this.corners.splice(2, 2);
      if (this.model.get("tool") === "polygon") this.band(keyboard);
      else {
        this.corners.push(keyboard.x, keyboard.y);
        this.band();
      }
    }
    this.showRing();
    this.say(`${Math.floor(keyboard.x)}, ${Math.floor(keyboard.y)}`);
  }

  /** @param {boolean} erase */
  enter(erase) {
    const tool = this.model.get("tool");
    const { keyboard, corners } = this;
    if (tool === "polygon" && corners.length >= 6 && !keyboard) this.closePolygon();
    else if (!keyboard) return;
    else if (tool === "polygon" || tool === "lasso") {
      const [x, y] = corners.slice(-2);
      if (corners.length >= 6 && x === keyboard.x && y === keyboard.y) this.closePolygon();
      else {
        if (!corners.length) this.cornersErase = erase;
        corners.push(keyboard.x, keyboard.y);
        this.band();
      }
    } else if (tool === "fill") {
      this.send({ do: "fill", x: Math.floor(keyboard.x), y: Math.floor(keyboard.y), erase });
    } else if (tool === "brush" || tool === "eraser") {
      this.beginStroke(
        keyboard,
        this.model.get("brush_px") / 2,
        erase || tool === "eraser",
        Boolean(this.last) && erase,
      );
      this.endStroke();
    } else if (corners.length) {
      this.corners = [];
      this.endBox([corners[0], corners[1], keyboard.x, keyboard.y], erase, tool);
      this.band();
    } else {
      this.corners = [keyboard.x, keyboard.y];
    }
  }

  /** @param {KeyboardEvent} event */
  keyUp(event) {
    event.stopPropagation();
    if (event.key === "h") this.root?.removeAttribute("data-original");
    if (event.key !== " ") return;
    this.spaceDown = false;
    if (this.keyboard && this.stroke) this.endStroke();
  }

  escape() {
    if (!this.parts.help.hidden) this.toggleHelp();
    else if (this.stroke || this.corners.length) {
      this.stroke = null;
      this.corners = [];
      this.gesture = null;
      this.repaint();
      this.band();
    } else if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
  }

  hideKeyboard() {
    this.keyboard = null;
  }

  // -------------------------------------------------------------- controls

  /** @param {string} tool */
  setTool(tool) {
    this.corners = [];
    this.band();
    this.model.set("tool", tool);
    this.model.save_changes();
    this.rove(this.parts.buttons[tool]);
    this.showRing();
  }

  /**
   * @param {number} size
   * @param {boolean} send
   */
  setBrush(size, send = true) {
    this.model.set("brush_px", size);
    if (send) this.model.save_changes();
  }

  nextLook() {
    const names = LOOKS.map(([name]) => name);
    this.model.set("look", names[(names.indexOf(this.model.get("look")) + 1) % names.length]);
    this.model.save_changes();
  }

  toggleHelp() {
    this.parts.help.hidden = !this.parts.help.hidden;
    this.parts.buttons.help.setAttribute("aria-expanded", String(!this.parts.help.hidden));
  }

  /**
   * @param {"refine" | "view"} name
   */
  togglePanel(name) {
    const panel = this.parts[name];
    panel.hidden = !panel.hidden;
    this.parts.buttons[name].setAttribute("aria-expanded", String(!panel.hidden));
  }

  async fullScreen() {
    if (document.fullscreenElement) await document.exitFullscreen();
    else await this.root?.requestFullscreen?.();
  }

  /** @param {File | undefined} file */
  async load(file) {
    if (!file) return;
    if (file.size > LARGEST_FILE) {
      this.say(
        `${file.name} is ${(file.size / 1e6).toFixed(1)} MB; larger than 9.5 MB is loaded with pad.load(path).`,
      );
      return;
    }
    const buffer = await file.arrayBuffer();
    this.count += 1;
    this.post({ do: "load", id: `${this.me}-${this.count}`, name: file.name }, [buffer]);
  }

  /** @param {string} text */
  say(text) {
    this.parts.says.textContent = text;
    this.parts.says.classList.remove("rfw-ink-failed");
  }

  /** What the kernel knows of the mask. */
  facts() {
    const { model, parts } = this;
    const { buttons } = parts;
    const convention = model.get("convention");
    const facts = factsText(model.get("coverage"), model.get("bbox"));
    parts.facts.textContent = convention ? `${facts} · ${convention}` : facts;
    for (const name of /** @type {const} */ (["undo", "redo"])) {
      const step = model.get(name);
      buttons[name].setAttribute("aria-disabled", String(!step));
      buttons[name].title = step
        ? `${name === "undo" ? "Undo" : "Redo"}: ${step}`
        : `Nothing to ${name}`;
    }
    for (const [name] of TOOLS) {
      buttons[name].setAttribute("aria-pressed", String(model.get("tool") === name));
    }
    const most = Math.max(...this.size);
    const brush = model.get("brush_px");
    parts.width.value = String(Math.round(brush));
    parts.width.max = String(most);
    // Even steps of the slider are even factors: fine where brushes are small.
    parts.slider.value = String(
      Math.round((100 * Math.log(brush)) / Math.log(Math.max(2, most / 2))),
    );
    parts.look.value = model.get("look");
    parts.colour.value = model.get("colour");
    parts.opacity.value = String(Math.round(100 * model.get("opacity")));
    parts.layer.dataset.tool = model.get("tool");
    const says = model.get("busy") || model.get("says") || model.get("warning");
    if (parts.says.textContent !== says) parts.says.textContent = says;
    parts.says.classList.toggle("rfw-ink-failed", model.get("failed") && !model.get("busy"));
    parts.says.classList.toggle("rfw-ink-busy", Boolean(model.get("busy")));
    this.runs();
  }

  /** Colours and what is shown. */
  dress() {
    const { root, model } = this;
    if (!root) return;
    root.style.setProperty("--rfw-opacity", String(model.get("opacity")));
    root.dataset.look = model.get("look");
    this.repaint();
  }

  /** The model that can be run from here. */
  runs() {
    const { runs: bar } = this.parts;
    const { model: name, price, auto, state, says } = this.model.get("runs");
    bar.hidden = !name;
    const now = JSON.stringify([name, price, auto, state, says]);
    if (!name || bar.dataset.now === now) return;
    bar.dataset.now = now;
    bar.replaceChildren();
    const ask = (/** @type {string} */ what) => this.post({ do: "run", what });
    if (state === "result") {
      add("span", "runs-says", bar).textContent = says || "The result is shown.";
      for (const [what, text] of [
        ["accept", "Keep it"],
        ["discard", "Discard it"],
        ["compare", "Before / after"],
      ]) {
        addButton(bar, what, text).addEventListener("click", () => ask(what));
      }
    } else {
      const button = addButton(bar, "go", state === "running" ? "Running…" : `Run ${name}`);
      button.disabled = state === "running";
      button.addEventListener("click", () => ask("go"));
      add("span", "unit", bar).textContent = price ?? "";
      const box = addInput(bar, "after each stroke", { type: "checkbox" });
      box.checked = Boolean(auto);
      box.addEventListener("change", () => ask(box.checked ? "auto" : "manual"));
      if (says) add("span", "runs-says", bar).textContent = says;
    }
  }

  // -------------------------------------------------------------- wiring

  /** Follow the traits and the kernel's messages. */
  follow() {
    const { model } = this;
    const shown = () => this.adopt(model.get("shown"));
    const facts = () => this.facts();
    const dress = () => this.dress();
    const said = (/** @type {any} */ message, /** @type {DataView[]} */ buffers) =>
      this.heard(message, buffers);
    const names = [
      "tool",
      "brush_px",
      "colour",
      "opacity",
      "look",
      "coverage",
      "bbox",
      "warning",
      "says",
      "failed",
      "busy",
      "undo",
      "redo",
      "convention",
      "runs",
    ];
    model.on("change:shown", shown);
    for (const name of names) model.on(/** @type {any} */ (`change:${name}`), facts);
    for (const name of ["colour", "opacity", "look"])
      model.on(/** @type {any} */ (`change:${name}`), dress);
    model.on("msg:custom", said);
    this.unfollow = () => {
      model.off("change:shown", shown);
      for (const name of names) model.off(/** @type {any} */ (`change:${name}`), facts);
      for (const name of ["colour", "opacity", "look"])
        model.off(/** @type {any} */ (`change:${name}`), dress);
      model.off("msg:custom", said);
    };
  }

  /**
   * @param {{ kind: string, id: string, mark: number | null, name: string, mime: string, number: number, text: string, yes: string }} message
   * @param {DataView[]} buffers
   */
  heard(message, buffers) {
    if (message.kind === "done") {
      const op = this.pending.find((one) => one.id === message.id);
      if (!op) return;
      if (message.mark === null) {
        this.pending = this.pending.filter((one) => one !== op);
        this.repaint();
      } else {
        op.mark = message.mark;
        op.until = performance.now() + PATIENCE;
        this.watch();
      }
    } else if (message.kind === "file" && this.wantsFile) {
      const blob = new Blob([/** @type {any} */ (buffers[0])], { type: message.mime });
      if (this.wantsFile === "copy") this.copy(blob);
      else this.save(blob, message.name);
      this.wantsFile = "";
    } else if (message.kind === "ask") this.ask(message);
  }

  /**
   * @param {Blob} blob
   * @param {string} name
   */
  save(blob, name) {
    const url = URL.createObjectURL(blob);
    const link = document.createElement("a");
    link.href = url;
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }

  /** @param {Blob} blob */
  async copy(blob) {
    try {
      await navigator.clipboard.write([new ClipboardItem({ [blob.type]: blob })]);
      this.say("Copied the mask.");
    } catch {
      this.say("This page may not write to the clipboard; download the mask instead.");
    }
  }

  /** @param {{ number: number, text: string, yes: string }} question */
  ask({ number, text, yes }) {
    const { question } = this.parts;
    question.replaceChildren();
    question.hidden = false;
    add("span", "", question).textContent = text;
    for (const [label, answer] of /** @type {[string, boolean][]} */ ([
      [yes, true],
      ["No", false],
    ])) {
      const button = addButton(question, answer ? "yes" : "no", label);
      button.addEventListener("click", () => {
        question.hidden = true;
        this.send({ do: "answer", number, yes: answer });
        this.parts.layer.focus({ preventScroll: true });
      });
      if (answer) button.focus({ preventScroll: true });
    }
  }

  listen() {
    const { parts, model } = this;
    const { layer, buttons } = parts;
    const { signal } = this.listening;
    const on = (
      /** @type {EventTarget} */ target,
      /** @type {string} */ name,
      /** @type {(event: any) => void} */ act,
    ) => target.addEventListener(name, act, { signal, passive: false });
    on(layer, "pointerdown", (event) => this.down(event));
    on(layer, "pointermove", (event) => this.move(event));
    on(layer, "pointerup", (event) => this.up(event));
    on(layer, "pointercancel", (event) => this.cancel(event));
    on(layer, "pointerleave", () => {
      if (this.gesture) return;
      this.hover = undefined;
      this.showRing();
    });
    on(layer, "wheel", (event) => this.wheel(event));
    on(layer, "contextmenu", (event) => {
      event.preventDefault();
      // JupyterLab opens a menu of its own from further up.
      event.stopPropagation();
    });
    on(layer, "dblclick", () => model.get("tool") === "polygon" && this.closePolygon());
    on(this.el, "keydown", (event) => this.key(event));
    on(this.el, "keyup", (event) => this.keyUp(event));
    on(this.el, "focusout", (event) => this.left(event));
    on(this.el, "dragover", (event) => event.preventDefault());
    on(this.el, "drop", (event) => {
      event.preventDefault();
      event.stopPropagation();
      this.load(event.dataTransfer?.files[0]);
    });
    on(document, "fullscreenchange", () => this.fit());
    for (const [name] of TOOLS) on(buttons[name], "click", () => this.setTool(name));
    for (const name of [
      "undo",
      "redo",
      "clear",
      "invert",
      "grow",
      "shrink",
      "smooth",
      "remove_specks",
      "fill_holes",
    ]) {
      on(buttons[name], "click", () => this.edit(name));
    }
    on(buttons.shadow, "click", () => this.send({ do: "shadow" }));
    on(buttons.refine, "click", () => this.togglePanel("refine"));
    on(buttons.view, "click", () => this.togglePanel("view"));
    on(buttons.in, "click", () => this.zoom(1.4));
    on(buttons.out, "click", () => this.zoom(1 / 1.4));
    on(buttons.fit, "click", () => this.zoomToFit());
    on(buttons.percent, "click", () => this.zoom((devicePixelRatio || 1) / this.view.scale));
    on(buttons.full, "click", () => this.fullScreen());
    on(buttons.help, "click", () => this.toggleHelp());
    on(buttons.load, "click", () => parts.file.click());
    on(parts.file, "change", () => {
      this.load(parts.file.files?.[0]);
      parts.file.value = "";
    });
    for (const name of /** @type {const} */ (["save", "copy"])) {
      on(buttons[name], "click", () => {
        this.wantsFile = name;
        this.send({ do: "download", what: "mask" });
      });
    }
    const most = Math.max(2, Math.max(...model.get("size")) / 2);
    on(parts.slider, "input", () =>
      this.setBrush(Math.max(1, Math.round(most ** (Number(parts.slider.value) / 100))), false),
    );
    on(parts.slider, "change", () => model.save_changes());
    on(parts.width, "change", () => this.setBrush(Math.max(1, Number(parts.width.value) || 1)));
    on(parts.look, "change", () => {
      model.set("look", parts.look.value);
      model.save_changes();
    });
    on(parts.colour, "change", () => {
      model.set("colour", parts.colour.value);
      model.save_changes();
    });
    on(parts.opacity, "input", () => model.set("opacity", Number(parts.opacity.value) / 100));
    on(parts.opacity, "change", () => model.save_changes());
    this.rove(buttons.brush);
  }

  /** @param {FocusEvent} event */
  left(event) {
    if (event.relatedTarget instanceof Node && this.el.contains(event.relatedTarget)) return;
    this.spaceDown = false;
    this.root?.removeAttribute("data-original");
    if (this.stroke && this.keyboard) this.endStroke();
    this.hideKeyboard();
    this.showRing();
    // The kernel then renews the saved picture, and the notebook this view with it: not while somebody goes on here,
    // or in another view of the same pad.
    clearTimeout(this.leaving);
    this.leaving = window.setTimeout(() => {
      const focused = document.activeElement?.closest(".rfw-pad")?.querySelector(".rfw-ink");
      const desk = /** @type {any} */ (focused)?.rfwDesk;
      if (document.hasFocus() && desk?.model !== this.model && !this.gesture)
        this.post({ do: "left" });
    }, AWAY);
  }

  end() {
    if (this.stroke) this.endStroke();
    this.listening.abort();
    this.resizing.disconnect();
    this.unfollow?.();
    clearTimeout(this.asking);
    clearTimeout(this.leaving);
    cancelAnimationFrame(this.looking);
  }
}

/**
 * All places the pointer has been at since the last frame.
 * @param {PointerEvent} event
 * @returns {PointerEvent[]}
 */
function coalesced(event) {
  const all = event.getCoalescedEvents?.() ?? [];
  return all.length ? all : [event];
}

/**
 * @param {RenderProps<Model>} props
 * @returns {() => void}
 */
function render(props) {
  const desk = new Desk(props);
  // For whoever drives the page, such as our tests: where the view is, and what still waits for the kernel.
  Object.assign(props.el, { rfwDesk: desk });
  return () => desk.end();
}

export default { render };
