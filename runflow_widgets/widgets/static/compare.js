/** @import { RenderProps } from "@anywidget/types" */

/**
 * The traits this widget shares with Python.
 * @typedef {{
 *   pictures: Picture[],
 *   previews: DataView[],
 *   maps: Maps,
 *   mask: DataView,
 *   pair: number[],
 *   mode: string,
 *   turned: boolean,
 *   position: number,
 *   mix: number,
 *   kind: string,
 *   gain: number,
 *   threshold: number,
 *   square: number,
 *   background: string,
 *   match: string,
 *   viewport: number[],
 *   offset: number[],
 *   loupe: boolean,
 *   outlined: boolean,
 *   says: string,
 *   numbers: Table,
 *   notes: string[],
 * }} Model
 */

/** @typedef {{ label: string, facts: string, width: number, height: number, alpha: boolean }} Picture */
/** @typedef {{ columns?: string[], rows?: string[][] }} Table */
/** @typedef {{ pair?: number[], box?: number[], absolute?: DataView, signed?: DataView, outside?: DataView }} Maps */
/** @typedef {{ width: number, height: number }} Size */
/** @typedef {Size & { fill?: boolean }} Pane */
/** @typedef {{ x: number, y: number, width: number, height: number, fill?: boolean }} Box */
/** @typedef {{ zoom: number, left: number, top: number }} Transform */
/** @typedef {{ key: string, code?: string, shiftKey?: boolean, altKey?: boolean, ctrlKey?: boolean, metaKey?: boolean }} KeyPress */

const TILE_PX = 512;
const MAP_PX = 1024;
const REACH = 6;
const MAX_ZOOM = 64;
const BLINK_MS = 800;
/** From here on, of 255, a difference can be seen on a plain surface. */
const VISIBLE = 8;
/** An outline of more lines than this is noise, and hides the picture. */
const NOISY_LINES = 2500;
/** Small pictures are shown larger than they are, but only up to this; on the full screen, as large as it is. */
const SMALL_PX = 320;

// ---------------------------------------------------------------- where things lie

/**
 * The frame that all pictures lie in, in pixels of the picture that gives it its size.
 * @param {Size[]} pictures
 * @param {string} match
 * @returns {Size}
 */
export function stageOf(pictures, match) {
  if (match === "first") return { width: pictures[0].width, height: pictures[0].height };
  return {
    width: Math.max(...pictures.map((picture) => picture.width)),
    height: Math.max(...pictures.map((picture) => picture.height)),
  };
}

/**
 * Where one picture lies in the frame: in its own shape, centre on centre.
 * @param {Size} picture
 * @param {Size} stage
 * @param {string} match
 * @returns {Box}
 */
export function placeOf(picture, stage, match) {
  const scale =
    match === "native" ? 1 : Math.min(stage.width / picture.width, stage.height / picture.height);
  const width = picture.width * scale;
  const height = picture.height * scale;
  return { x: (stage.width - width) / 2, y: (stage.height - height) / 2, width, height };
}

/**
 * The zoom at which the whole frame is seen, in screen pixels per pixel of the frame.
 * @param {Size} stage
 * @param {Pane} pane
 * @returns {number}
 */
export function fitZoom(stage, pane) {
  const most = pane.fill ? MAX_ZOOM : Math.max(1, SMALL_PX / Math.max(stage.width, stage.height));
  return Math.min(pane.width / stage.width, pane.height / stage.height, most);
}

/**
 * From pixels of the frame to pixels of the pane. What is smaller than the pane is centred in it, and what is larger
 * leaves no gap at its edges.
 * @param {number[]} viewport
 * @param {Size} stage
 * @param {Pane} pane
 * @returns {Transform}
 */
export function transformOf([x, y, wanted], stage, pane) {
  const zoom = wanted > 0 ? wanted : fitZoom(stage, pane);
  /** @param {number} centre @param {number} length @param {number} room */
  const start = (centre, length, room) => {
    if (length * zoom <= room) return (room - length * zoom) / 2;
    return Math.min(0, Math.max(room - length * zoom, room / 2 - centre * length * zoom));
  };
  return {
    zoom,
    left: start(x, stage.width, pane.width),
    top: start(y, stage.height, pane.height),
  };
}

/**
 * The viewport of a transform.
 * @param {Transform} transform
 * @param {Size} stage
 * @param {Pane} pane
 * @returns {number[]}
 */
export function viewportOf({ zoom, left, top }, stage, pane) {
  return [
    (pane.width / 2 - left) / zoom / stage.width,
    (pane.height / 2 - top) / zoom / stage.height,
    zoom,
  ];
}

/**
 * Zoom by a factor while what lies under a point of the pane stays under it; back to fitting at its edge.
 * @param {number[]} viewport
 * @param {Size} stage
 * @param {Pane} pane
 * @param {{ x: number, y: number }} point
 * @param {number} factor
 * @returns {number[]}
 */
export function zoomAt(viewport, stage, pane, point, factor) {
  const now = transformOf(viewport, stage, pane);
  const fit = fitZoom(stage, pane);
  const zoom = Math.min(MAX_ZOOM, now.zoom * factor);
  if (zoom <= fit * 1.001) return [0.5, 0.5, 0];
  const ratio = zoom / now.zoom;
  const moved = {
    zoom,
    left: point.x - (point.x - now.left) * ratio,
    top: point.y - (point.y - now.top) * ratio,
  };
  const kept = transformOf(viewportOf(moved, stage, pane), stage, pane);
  return viewportOf(kept, stage, pane);
}

/**
 * Move what is seen by pixels of the screen.
 * @param {number[]} viewport
 * @param {Size} stage
 * @param {Pane} pane
 * @param {number} dx
 * @param {number} dy
 * @returns {number[]}
 */
export function panBy(viewport, stage, pane, dx, dy) {
  if (!(viewport[2] > 0)) return viewport;
  const { zoom, left, top } = transformOf(viewport, stage, pane);
  const moved = viewportOf({ zoom, left: left + dx, top: top + dy }, stage, pane);
  return viewportOf(transformOf(moved, stage, pane), stage, pane);
}

/**
 * The part of the pane in which the frame is seen; the divider goes from one of its edges to the other.
 * @param {Transform} transform
 * @param {Size} stage
 * @param {Pane} pane
 * @returns {Box}
 */
export function seenBox({ zoom, left, top }, stage, pane) {
  const x = Math.max(0, left);
  const y = Math.max(0, top);
  return {
    x,
    y,
    width: Math.min(pane.width, left + stage.width * zoom) - x,
    height: Math.min(pane.height, top + stage.height * zoom) - y,
  };
}

/**
 * Columns and rows for so many panes that show pictures of this shape largest.
 * @param {number} count
 * @param {Size} stage
 * @param {Size} room
 * @returns {{ columns: number, rows: number }}
 */
export function gridOf(count, stage, room) {
  let best = { columns: 1, rows: count, zoom: 0 };
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const zoom = Math.min(room.width / columns / stage.width, room.height / rows / stage.height);
    // Where it makes no difference, beside one another: the view stays low.
    if (zoom >= best.zoom * 0.99) best = { columns, rows, zoom: Math.max(zoom, best.zoom) };
  }
  return { columns: best.columns, rows: best.rows };
}

// ---------------------------------------------------------------- the divider

/**
 * Where between two edges a point is, from 0 to 1.
 * @param {number} at
 * @param {number} start
 * @param {number} length
 * @returns {number}
 */
export function fraction(at, start, length) {
  return length > 0 ? Math.min(1, Math.max(0, (at - start) / length)) : 0;
}

/**
 * Where a key moves the divider to; null for a key that does not.
 * @param {number} position
 * @param {KeyPress} press
 * @returns {number | null}
 */
export function positionAfter(position, { key, shiftKey }) {
  const step = shiftKey ? 0.1 : 0.01;
  /** @type {Record<string, number>} */
  const goals = {
    ArrowLeft: position - step,
    ArrowUp: position - step,
    ArrowRight: position + step,
    ArrowDown: position + step,
    PageDown: position - 0.1,
    PageUp: position + 0.1,
    Home: 0,
    End: 1,
  };
  if (!(key in goals)) return null;
  return Math.round(1000 * Math.min(1, Math.max(0, goals[key]))) / 1000;
}

/**
 * The divider in words, for a screen reader.
 * @param {number} position
 * @param {string} before
 * @param {string} after
 * @returns {string}
 */
export function dividerText(position, before, after) {
  const share = Math.round(100 * position);
  if (share === 0) return `Only ${after} is seen`;
  if (share === 100) return `Only ${before} is seen`;
  return `${share} % ${before}, ${100 - share} % ${after}`;
}

// ---------------------------------------------------------------- previews and tiles

/**
 * Which halving of a picture is sharp enough: 0 is the full size, 1 the half, and so on.
 * @param {number} density device pixels per pixel of the picture
 * @returns {number}
 */
export function levelFor(density) {
  return Math.min(8, Math.max(0, Math.floor(Math.log2(1 / density) + 0.05)));
}

/**
 * The tiles that a part of a picture touches, the ones nearest its centre first.
 * @param {Box} part in pixels of the picture
 * @param {Size} picture
 * @param {number} level
 * @returns {[number, number][]} column and row
 */
export function tilesOf(part, picture, level) {
  const side = TILE_PX * 2 ** level;
  const right = Math.min(picture.width, part.x + part.width);
  const bottom = Math.min(picture.height, part.y + part.height);
  /** @type {[number, number][]} */
  const found = [];
  for (let row = Math.max(0, Math.floor(part.y / side)); row * side < bottom; row++) {
    for (let column = Math.max(0, Math.floor(part.x / side)); column * side < right; column++) {
      found.push([column, row]);
    }
  }
  const x = (part.x + part.width / 2) / side - 0.5;
  const y = (part.y + part.height / 2) / side - 0.5;
  return found.sort((a, b) => Math.hypot(a[0] - x, a[1] - y) - Math.hypot(b[0] - x, b[1] - y));
}

/**
 * By how much the maps and the mask of a picture are smaller than itself.
 * @param {Size} picture
 * @returns {number}
 */
export function mapFactor({ width, height }) {
  return Math.max(1, Math.ceil(Math.max(width, height) / MAP_PX));
}

// ---------------------------------------------------------------- differences as colours

/** From nothing to much: dark, violet, red, amber, nearly white. */
const RAMP = [
  [0, 18, 16, 32],
  [48, 74, 24, 110],
  [112, 196, 44, 84],
  [176, 248, 146, 44],
  [255, 255, 246, 200],
];

/**
 * The colour of a difference that was made stronger, 0 to 255.
 * @param {number} value
 * @returns {number[]}
 */
export function heat(value) {
  const above = Math.max(
    1,
    RAMP.findIndex(([step]) => value <= step),
  );
  const [from, ...low] = RAMP[above - 1];
  const [to, ...high] = RAMP[above];
  const share = (value - from) / (to - from);
  return low.map((channel, index) => Math.round(channel + share * (high[index] - channel)));
}

const HEAT = Array.from({ length: 256 }, (_, value) => heat(value));

/**
 * Draw differences: as heat, in the channels they are in, or brighter against darker.
 * @param {string} kind
 * @param {{ absolute: Uint8ClampedArray, signed: Uint8ClampedArray }} maps RGBA each
 * @param {number} gain
 * @param {number} threshold
 * @returns {Uint8ClampedArray<ArrayBuffer>} RGBA
 */
export function paintDifference(kind, { absolute, signed }, gain, threshold) {
  const painted = new Uint8ClampedArray(absolute.length);
  for (let at = 0; at < absolute.length; at += 4) {
    const most = Math.max(absolute[at], absolute[at + 1], absolute[at + 2]);
    const strong = most > threshold;
    painted[at + 3] = 255;
    if (kind === "absolute") {
      if (!strong) continue;
      painted[at] = absolute[at] * gain;
      painted[at + 1] = absolute[at + 1] * gain;
      painted[at + 2] = absolute[at + 2] * gain;
    } else if (kind === "signed") {
      const step = strong ? Math.min(1, (Math.abs(signed[at] - 128) / 127) * gain) : 0;
      const lighter = signed[at] > 128;
      painted[at] = 40 + step * (lighter ? 215 : 10);
      painted[at + 1] = 40 + step * (lighter ? 130 : 110);
      painted[at + 2] = 44 + step * (lighter ? -10 : 211);
    } else {
      const [red, green, blue] = HEAT[strong ? Math.min(255, Math.round(most * gain)) : 0];
      painted[at] = red;
      painted[at + 1] = green;
      painted[at + 2] = blue;
    }
  }
  return painted;
}

/**
 * The border of what is marked, as lines along the edges of pixels: x1, y1, x2, y2, x1, …
 * @param {Uint8Array} marked 0 or not, row by row
 * @param {number} width
 * @param {number} height
 * @returns {number[]}
 */
export function outlineOf(marked, width, height) {
  /** @type {number[]} */
  const lines = [];
  /** @param {number} x @param {number} y */
  const at = (x, y) =>
    x >= 0 && y >= 0 && x < width && y < height && marked[y * width + x] ? 1 : 0;
  for (let y = 0; y <= height; y++) {
    for (let x = 0, start = -1; x <= width; x++) {
      const border = x < width && at(x, y - 1) !== at(x, y);
      if (border && start < 0) start = x;
      if (!border && start >= 0) {
        lines.push(start, y, x, y);
        start = -1;
      }
    }
  }
  for (let x = 0; x <= width; x++) {
    for (let y = 0, start = -1; y <= height; y++) {
      const border = y < height && at(x - 1, y) !== at(x, y);
      if (border && start < 0) start = y;
      if (!border && start >= 0) {
        lines.push(x, start, x, y);
        start = -1;
      }
    }
  }
  return lines;
}

/**
 * The same marks at half the size: a block is marked where any pixel of it is.
 * @param {Uint8Array} marked
 * @param {number} width
 * @param {number} height
 * @returns {{ marked: Uint8Array, width: number, height: number }}
 */
export function halved(marked, width, height) {
  const half = { width: Math.ceil(width / 2), height: Math.ceil(height / 2) };
  const found = new Uint8Array(half.width * half.height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (marked[y * width + x]) found[(y >> 1) * half.width + (x >> 1)] = 1;
    }
  }
  return { marked: found, ...half };
}

/**
 * From which difference on to outline: the threshold, or without one the least that can be seen and gives regions
 * instead of the noise that saving as JPEG leaves everywhere.
 * @param {Uint8Array} values
 * @param {number} width
 * @param {number} height
 * @param {number} threshold
 * @returns {number}
 */
export function outlineLimit(values, width, height, threshold) {
  if (threshold > 0) return threshold;
  let limit = VISIBLE;
  while (limit < 128) {
    const marked = values.map((value) => (value > limit ? 1 : 0));
    if (outlineOf(marked, width, height).length / 4 <= NOISY_LINES) break;
    limit *= 2;
  }
  return limit;
}

/**
 * A pixel in words: its channels, and its colour as people write it.
 * @param {ArrayLike<number>} rgba
 * @param {boolean} alpha whether to name the alpha too
 * @returns {string}
 */
export function pixelText(rgba, alpha) {
  const channels = Array.from(rgba).slice(0, alpha ? 4 : 3);
  const hex = channels.map((channel) => channel.toString(16).padStart(2, "0")).join("");
  return `${channels.map((channel) => String(channel).padStart(3, "\u2007")).join(" ")}  #${hex}`;
}

// ---------------------------------------------------------------- keys

/** What each key does, in the order of the help. */
export const KEYS = [
  ["S", "slider", "Slider"],
  ["H", "hover", "Slider that follows the pointer"],
  ["B", "side", "Side by side"],
  ["G", "grid", "All pictures, of three or more"],
  ["F", "flip", "Flip between the two"],
  ["O", "overlay", "One over the other"],
  ["D", "difference", "Difference"],
  ["K", "checker", "Checkerboard of the two"],
  ["M", "next mode", "Next way to compare (Shift: the one before)"],
  ["X", "swap", "Swap A and B"],
  ["T", "turn", "Turn the divider"],
  ["Space", "flip over", "Flip over, in Flip"],
  ["P", "blink", "Blink, in Flip"],
  ["L", "loupe", "Loupe with pixel values"],
  ["E", "outline", "Outline of the mask and of changes outside"],
  ["I", "background", "Next background"],
  ["+", "zoom in", "Zoom in"],
  ["-", "zoom out", "Zoom out"],
  ["0", "fit", "Fit"],
  ["Z", "full size", "100 %; again: pixels of the screen"],
  ["Shift+F", "full screen", "Full screen"],
  ["?", "help", "These keys"],
];

/**
 * What a key press asks for: a mode, an action, "a:2" or "b:2" for picture 3, or nothing.
 * @param {KeyPress} press
 * @returns {string | null}
 */
export function actionFor({ key, code = "", shiftKey, altKey, ctrlKey, metaKey }) {
  if (altKey || ctrlKey || metaKey) return null;
  const digit = /^(?:Digit|Numpad)([1-9])$/.exec(code);
  if (digit) return `${shiftKey ? "a" : "b"}:${Number(digit[1]) - 1}`;
  if (key === "=") return "zoom in";
  if (key === "_") return "zoom out";
  const name = key === " " ? "Space" : key.length === 1 ? key.toUpperCase() : key;
  if (shiftKey && name === "M") return "mode before";
  const wanted = shiftKey && name === "F" ? "Shift+F" : name;
  return KEYS.find(([one]) => one === wanted)?.[1] ?? null;
}

// ---------------------------------------------------------------- what is decoded

/**
 * Copied: the buffer behind a trait is replaced when the trait changes.
 * @param {DataView} data
 * @param {string} type
 * @returns {Blob}
 */
function blobOf(data, type) {
  const bytes = new Uint8Array(data.byteLength);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return new Blob([bytes], { type });
}

/**
 * @param {number} width
 * @param {number} height
 * @param {boolean} [read]
 * @returns {[HTMLCanvasElement, CanvasRenderingContext2D]}
 */
function newCanvas(width, height, read = false) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width));
  canvas.height = Math.max(1, Math.round(height));
  const context = canvas.getContext("2d", { willReadFrequently: read });
  if (!context) throw new Error("this browser draws no canvas");
  return [canvas, context];
}

/**
 * The numbers of a lossless picture.
 * @param {DataView} data
 * @param {string} type
 * @returns {Promise<ImageData>}
 */
async function numbersOf(data, type) {
  const bitmap = await createImageBitmap(blobOf(data, type), { colorSpaceConversion: "none" });
  const [, context] = newCanvas(bitmap.width, bitmap.height, true);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, context.canvas.width, context.canvas.height);
}

/**
 * Maps of differences that are painted anew when the colours change.
 * @typedef {{ absolute: ImageData, signed: ImageData, outside: ImageData | null, painted: HTMLCanvasElement | null, stamp: string }} Painted
 */

/**
 * @param {{ absolute?: DataView, signed?: DataView, outside?: DataView }} maps
 * @returns {Promise<Painted | null>}
 */
async function decodeMaps({ absolute, signed, outside }) {
  if (!absolute || !signed) return null;
  const type = "image/webp";
  const [first, second, third] = await Promise.all([
    numbersOf(absolute, type),
    numbersOf(signed, type),
    outside ? numbersOf(outside, type) : null,
  ]);
  return { absolute: first, signed: second, outside: third, painted: null, stamp: "" };
}

/**
 * The maps of two pictures of one size, as the kernel would make them of these.
 * @param {ImageData} before
 * @param {ImageData} after
 * @returns {Painted}
 */
function differenceOf(before, after) {
  const [absolute, signed] = [0, 1].map(() => new ImageData(before.width, before.height));
  for (let at = 0; at < before.data.length; at += 4) {
    let lighter = 0;
    for (const [channel, weight] of [0.299, 0.587, 0.114].entries()) {
      const step = after.data[at + channel] - before.data[at + channel];
      absolute.data[at + channel] = Math.abs(step);
      lighter += weight * step;
    }
    signed.data[at] = 128 + lighter / 2;
  }
  return { absolute, signed, outside: null, painted: null, stamp: "" };
}

/**
 * @param {Painted} maps
 * @param {string} kind
 * @param {number} gain
 * @param {number} threshold
 * @returns {HTMLCanvasElement}
 */
function paintedMaps(maps, kind, gain, threshold) {
  const stamp = `${kind} ${gain} ${threshold}`;
  if (maps.painted && maps.stamp === stamp) return maps.painted;
  const { width, height } = maps.absolute;
  const [canvas, context] = maps.painted
    ? [maps.painted, /** @type {CanvasRenderingContext2D} */ (maps.painted.getContext("2d"))]
    : newCanvas(width, height);
  const data = { absolute: maps.absolute.data, signed: maps.signed.data };
  const pixels = paintDifference(kind, data, gain, threshold);
  context.putImageData(new ImageData(pixels, width, height), 0, 0);
  maps.painted = canvas;
  maps.stamp = stamp;
  return canvas;
}

/**
 * @param {Uint8Array} marked
 * @param {number} width
 * @param {number} height
 * @returns {{ path: Path2D, scale: number } | null} the border, and how many pixels of the map are one of its units
 */
function borderPath(marked, width, height) {
  let part = { marked, width, height };
  let scale = 1;
  let lines = outlineOf(marked, width, height);
  // Noise all over has more border than can be drawn in a frame, and more than anyone could see.
  while (lines.length > 160_000) {
    part = halved(part.marked, part.width, part.height);
    scale *= 2;
    lines = outlineOf(part.marked, part.width, part.height);
  }
  if (lines.length === 0) return null;
  const path = new Path2D();
  for (let at = 0; at < lines.length; at += 4) {
    path.moveTo(lines[at], lines[at + 1]);
    path.lineTo(lines[at + 2], lines[at + 3]);
  }
  return { path, scale };
}

// ---------------------------------------------------------------- drawing

/**
 * What a frame is drawn by; made anew for each.
 * @typedef {{
 *   pictures: Picture[], stage: Size, match: string, viewport: number[], pair: number[], offset: number[],
 *   background: string, kind: string, gain: number, threshold: number, dpr: number,
 * }} Look
 */

/** What lies under transparency, as the squares of a checkerboard. */
const checkerboard = () => {
  const [canvas, context] = newCanvas(16, 16);
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, 16, 16);
  context.fillStyle = "#cfcfcf";
  context.fillRect(0, 0, 8, 8);
  context.fillRect(8, 8, 8, 8);
  return canvas;
};

/**
 * All that was decoded, and how it is drawn into a pane.
 * @param {() => void} changed called when something new can be drawn
 */
function makeScene(changed) {
  /** @type {ImageBitmap[]} */
  let previews = [];
  /** @type {Map<string, ImageBitmap | Painted>} */
  const tiles = new Map();
  /** @type {Painted | null} */
  let maps = null;
  /** @type {{ stamp: string, maps: Painted } | null} */
  let rough = null;
  /** @type {number[] | undefined} */
  let mapsPair;
  /** @type {number[]} */
  let mapsBox = [];
  /** @type {ReturnType<typeof borderPath>} */
  let maskBorder = null;
  /** @type {ReturnType<typeof borderPath>} */
  let strayBorder = null;
  let strayAt = -1;
  let version = 0;
  let turn = 0;
  let mapsTurn = 0;
  const board = checkerboard();
  /** @type {Map<string, { canvas: HTMLCanvasElement, context: CanvasRenderingContext2D, stamp: string }>} */
  const layers = new Map();

  const renewed = () => {
    version += 1;
    changed();
  };

  /** @param {string} prefix */
  const forgetTiles = (prefix) => {
    for (const [name, tile] of tiles) {
      if (!name.startsWith(prefix)) continue;
      if (tile instanceof ImageBitmap) tile.close();
      tiles.delete(name);
    }
  };

  /** @param {Look} look @param {number} index @param {Pane} pane @param {number} dpr */
  const placed = (look, index, pane, dpr) => {
    const { zoom, left, top } = transformOf(look.viewport, look.stage, pane);
    const place = placeOf(look.pictures[index], look.stage, look.match);
    const [dx, dy] = index === look.pair[1] && index !== look.pair[0] ? look.offset : [0, 0];
    const scale = (place.width / look.pictures[index].width) * zoom * dpr;
    return {
      x: (left + (place.x + dx) * zoom) * dpr,
      y: (top + (place.y + dy) * zoom) * dpr,
      width: place.width * zoom * dpr,
      height: place.height * zoom * dpr,
      scale,
    };
  };

  /** @param {CanvasRenderingContext2D} context @param {Look} look @param {Box} box */
  const drawGround = (context, look, box) => {
    context.globalCompositeOperation = "destination-over";
    if (look.background === "alpha") context.fillStyle = "#000000";
    else if (look.background !== "checker") context.fillStyle = look.background;
    else {
      const pattern = /** @type {CanvasPattern} */ (context.createPattern(board, "repeat"));
      pattern.setTransform(new DOMMatrix().scale(look.dpr));
      context.fillStyle = pattern;
    }
    context.fillRect(box.x, box.y, box.width, box.height);
    context.globalCompositeOperation = "source-over";
  };

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Look} look
   * @param {number} index
   * @param {Pane} pane
   */
  const drawPicture = (context, look, index, pane) => {
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    const preview = previews[index];
    if (!preview) return;
    const box = placed(look, index, pane, look.dpr);
    // From three screen pixels for each of the picture on, its pixels are what one wants to see.
    const whole = preview.width >= look.pictures[index].width;
    context.imageSmoothingEnabled = !(whole && box.scale >= 3);
    context.imageSmoothingQuality = "medium";
    context.drawImage(preview, box.x, box.y, box.width, box.height);
    if (box.scale > (preview.width / look.pictures[index].width) * 1.05) {
      drawTiles(context, box, String(index), levelFor(box.scale));
    }
    if (look.background === "alpha") {
      context.globalCompositeOperation = "source-in";
      context.fillStyle = "#ffffff";
      context.fillRect(0, 0, context.canvas.width, context.canvas.height);
    }
    if (look.pictures[index].alpha || look.background === "alpha") drawGround(context, look, box);
  };

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Box & { scale: number }} box
   * @param {string} layer
   * @param {number} finest
   */
  const drawTiles = (context, box, layer, finest) => {
    context.imageSmoothingEnabled = box.scale < 3;
    // Coarser ones first: while a finer one is on its way, they are better than the preview.
    for (let level = finest + 2; level >= finest; level--) {
      const side = TILE_PX * 2 ** level * box.scale;
      for (const [name, tile] of tiles) {
        const [of, at, column, row] = name.split("/");
        if (of !== layer || Number(at) !== level || !(tile instanceof ImageBitmap)) continue;
        const step = 2 ** level * box.scale;
        const [x, y] = [box.x + Number(column) * side, box.y + Number(row) * side];
        context.drawImage(tile, x, y, tile.width * step, tile.height * step);
      }
    }
  };

  /** @param {Look} look @param {Pane} pane */
  const mapsPlace = (look, pane) => {
    const box = placed(look, look.pair[0], pane, look.dpr);
    return {
      x: box.x + mapsBox[0] * box.scale,
      y: box.y + mapsBox[1] * box.scale,
      scale: box.scale,
    };
  };

  /** @param {Look} look */
  const hasMaps = (look) =>
    maps !== null && mapsPair?.[0] === look.pair[0] && mapsPair?.[1] === look.pair[1];

  /**
   * Differences of the previews: what is seen until the exact maps are here, or where there is no kernel to ask.
   * @param {Look} look
   * @returns {Painted | null}
   */
  const roughMaps = (look) => {
    const [a, b] = look.pair;
    const stamp = JSON.stringify([turn, look.pair, look.match]);
    if (rough?.stamp === stamp) return rough.maps;
    if (!previews[a] || !previews[b]) return null;
    const frame = look.pictures[a];
    const factor = mapFactor(frame);
    const [width, height] = [Math.ceil(frame.width / factor), Math.ceil(frame.height / factor)];
    const [from, other] = look.pair.map((index) => {
      const [, context] = newCanvas(width, height, true);
      const [origin, place] = [a, index].map((one) =>
        placeOf(look.pictures[one], look.stage, look.match),
      );
      const scale = frame.width / origin.width / factor;
      const [x, y] = [(place.x - origin.x) * scale, (place.y - origin.y) * scale];
      context.drawImage(previews[index], x, y, place.width * scale, place.height * scale);
      return context.getImageData(0, 0, width, height);
    });
    rough = { stamp, maps: differenceOf(from, other) };
    return rough.maps;
  };

  /** @param {CanvasRenderingContext2D} context @param {Look} look @param {Pane} pane */
  const drawMaps = (context, look, pane) => {
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    const exact = hasMaps(look);
    const found = exact ? maps : roughMaps(look);
    if (!found) return;
    const frame = look.pictures[look.pair[0]];
    const size = exact ? { width: mapsBox[2], height: mapsBox[3] } : frame;
    const { x, y, scale } = exact
      ? mapsPlace(look, pane)
      : placed(look, look.pair[0], pane, look.dpr);
    const factor = mapFactor(size);
    const painted = paintedMaps(found, look.kind, look.gain, look.threshold);
    context.save();
    context.beginPath();
    context.rect(x, y, size.width * scale, size.height * scale);
    context.clip();
    context.imageSmoothingEnabled = scale * factor < 2;
    const step = factor * scale;
    context.drawImage(painted, x, y, painted.width * step, painted.height * step);
    if (exact && factor > 1 && step > 1.05) drawMapTiles(context, look, { x, y, scale });
    context.restore();
  };

  /** @param {CanvasRenderingContext2D} context @param {Look} look @param {{ x: number, y: number, scale: number }} at */
  const drawMapTiles = (context, look, { x, y, scale }) => {
    context.imageSmoothingEnabled = scale < 2;
    for (const [name, tile] of tiles) {
      const [of, , column, row] = name.split("/");
      if (of !== "maps" || tile instanceof ImageBitmap) continue;
      const part = paintedMaps(tile, look.kind, look.gain, look.threshold);
      const side = TILE_PX * scale;
      const [left, top] = [x + Number(column) * side, y + Number(row) * side];
      context.drawImage(part, left, top, part.width * scale, part.height * scale);
    }
  };

  /** @param {number} threshold */
  const findStray = (threshold) => {
    if (strayAt === threshold) return;
    strayAt = threshold;
    strayBorder = null;
    if (!maps?.outside) return;
    const { data, width, height } = maps.outside;
    const values = Uint8Array.from({ length: width * height }, (_, at) => data[4 * at]);
    const limit = outlineLimit(values, width, height, threshold);
    const marked = values.map((value) => (value > limit ? 1 : 0));
    strayBorder = borderPath(marked, width, height);
  };

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {NonNullable<ReturnType<typeof borderPath>>} border
   * @param {{ x: number, y: number, scale: number }} place
   * @param {string} colour
   * @param {number} dpr
   */
  const strokeBorder = (context, border, place, colour, dpr) => {
    const scale = place.scale * border.scale;
    context.setTransform(scale, 0, 0, scale, place.x, place.y);
    for (const [ink, width] of /** @type {[string, number][]} */ ([
      ["rgba(0, 0, 0, 0.75)", 3.5],
      [colour, 1.75],
    ])) {
      context.strokeStyle = ink;
      context.lineWidth = (width * dpr) / scale;
      context.lineCap = "square";
      context.stroke(border.path);
    }
    context.setTransform(1, 0, 0, 1, 0, 0);
  };

  /** @param {CanvasRenderingContext2D} context @param {Look} look @param {Pane} pane */
  const drawOutlines = (context, look, pane) => {
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    if (hasMaps(look)) {
      findStray(look.threshold);
      if (strayBorder) {
        const { x, y, scale } = mapsPlace(look, pane);
        const factor = mapFactor({ width: mapsBox[2], height: mapsBox[3] });
        strokeBorder(context, strayBorder, { x, y, scale: scale * factor }, "#ff9f1c", look.dpr);
      }
    }
    if (maskBorder) {
      const box = placed(look, 0, pane, look.dpr);
      const scale = box.scale * mapFactor(look.pictures[0]);
      strokeBorder(context, maskBorder, { ...box, scale }, "#3ddbff", look.dpr);
    }
  };

  /**
   * A drawing that is kept until what it shows is another; dragging the divider only copies parts of it.
   * @param {string} name
   * @param {Look} look
   * @param {Pane} pane
   * @param {(context: CanvasRenderingContext2D) => void} draw
   * @returns {HTMLCanvasElement}
   */
  const layer = (name, look, pane, draw) => {
    const width = Math.max(1, Math.round(pane.width * look.dpr));
    const height = Math.max(1, Math.round(pane.height * look.dpr));
    const { pictures: _, ...rest } = look;
    const stamp = JSON.stringify([version, width, height, rest]);
    let found = layers.get(name);
    if (!found || found.canvas.width !== width || found.canvas.height !== height) {
      const [canvas, context] = newCanvas(width, height);
      found = { canvas, context, stamp: "" };
      layers.set(name, found);
    }
    if (found.stamp !== stamp) {
      found.context.save();
      draw(found.context);
      found.context.restore();
      found.stamp = stamp;
    }
    return found.canvas;
  };

  return {
    /** @param {Look} look @param {number} index @param {Pane} pane */
    picture: (look, index, pane) =>
      layer(`picture ${index}`, look, pane, (context) => drawPicture(context, look, index, pane)),
    /** @param {Look} look @param {Pane} pane */
    differences: (look, pane) =>
      layer("maps", look, pane, (context) => drawMaps(context, look, pane)),
    /** @param {Look} look @param {Pane} pane */
    outlines: (look, pane) =>
      layer("outlines", look, pane, (context) => drawOutlines(context, look, pane)),
    drawPicture,
    /** Whether there is anything to outline; laying an empty layer over all would cost a third of each frame. */
    hasOutlines: () => maskBorder !== null || Boolean(maps?.outside),
    isReady: () => previews.length > 0,

    /** @param {number} index */
    preview: (index) => previews[index],

    /** @param {DataView[]} given */
    async setPreviews(given) {
      turn += 1;
      const mine = turn;
      const decoded = await Promise.all(
        given.map((data) => createImageBitmap(blobOf(data, "image/webp"))),
      );
      if (mine !== turn) return;
      for (const bitmap of previews) bitmap.close();
      previews = decoded;
      renewed();
    },

    /** @param {Maps} given */
    async setMaps(given) {
      mapsTurn += 1;
      const mine = mapsTurn;
      const decoded = await decodeMaps(given);
      if (mine !== mapsTurn) return;
      maps = decoded;
      mapsPair = given.pair;
      mapsBox = given.box ?? [];
      strayAt = -1;
      strayBorder = null;
      forgetTiles("maps/");
      renewed();
    },

    /** @param {DataView} data */
    async setMask(data) {
      maskBorder = null;
      if (data?.byteLength) {
        const numbers = await numbersOf(data, "image/png");
        const marked = new Uint8Array(numbers.width * numbers.height);
        for (let at = 0; at < marked.length; at++) marked[at] = numbers.data[4 * at];
        maskBorder = borderPath(marked, numbers.width, numbers.height);
      }
      renewed();
    },

    /** @param {unknown[]} name @param {DataView[]} data */
    async addTile(name, data) {
      const key = name.join("/");
      const mine = mapsTurn;
      const tile =
        name[0] === "maps"
          ? await decodeMaps({ absolute: data[0], signed: data[1] })
          : await createImageBitmap(blobOf(data[0], "image/webp"));
      // Tiles of a pair that is no longer the one that is looked at.
      if (!tile || (name[0] === "maps" && mine !== mapsTurn)) return;
      tiles.delete(key);
      tiles.set(key, tile);
      for (const [old, bitmap] of tiles) {
        if (tiles.size <= 120) break;
        if (bitmap instanceof ImageBitmap) bitmap.close();
        tiles.delete(old);
      }
      renewed();
    },

    /**
     * The tiles that would make what is seen sharper, and are not here yet.
     * @param {Look} look
     * @param {number[]} shown
     * @param {Pane} pane
     * @param {boolean} differences
     * @returns {[string, number, number, number][]}
     */
    missing(look, shown, pane, differences) {
      /** @type {[string, number, number, number][]} */
      const wanted = [];
      /** @param {string} name @param {Box & { scale: number }} box @param {Size} size @param {number} level */
      const want = (name, box, size, level) => {
        const part = {
          x: -box.x / box.scale,
          y: -box.y / box.scale,
          width: (pane.width * look.dpr) / box.scale,
          height: (pane.height * look.dpr) / box.scale,
        };
        for (const [column, row] of tilesOf(part, size, level)) {
          if (!tiles.has(`${name}/${level}/${column}/${row}`)) {
            wanted.push([name, level, column, row]);
          }
        }
      };
      for (const index of shown) {
        const size = look.pictures[index];
        const box = placed(look, index, pane, look.dpr);
        if (previews[index] && box.scale > (previews[index].width / size.width) * 1.05) {
          want(String(index), box, size, levelFor(box.scale));
        }
      }
      if (differences && hasMaps(look)) {
        const size = { width: mapsBox[2], height: mapsBox[3] };
        const place = mapsPlace(look, pane);
        const factor = mapFactor(size);
        if (factor > 1 && place.scale * factor > 1.05) {
          want("maps", { ...place, width: 0, height: 0 }, size, 0);
        }
      }
      return wanted.slice(0, 100);
    },

    close() {
      turn += 1;
      mapsTurn += 1;
      for (const bitmap of previews) bitmap.close();
      for (const tile of tiles.values()) if (tile instanceof ImageBitmap) tile.close();
      previews = [];
      tiles.clear();
      layers.clear();
    },
  };
}

/** @typedef {ReturnType<typeof makeScene>} Scene */
/** @typedef {{ at: number[], frame: number, where: number[][], patches: Uint8Array[] }} Exact */

// ---------------------------------------------------------------- the page

/** Drawn in a square of 16, by lines. */
const ICONS = {
  slider: "M2 3.5h12v9H2zM8 1.5v13",
  hover: "M13.5 7V3.5H2v9h4M8.5 7.5l5 2.2-2.1.8-.9 2.2z",
  side: "M1.5 4h5.5v8H1.5zM9 4h5.5v8H9z",
  grid: "M2 2.5h5v4.5H2zM9 2.5h5v4.5H9zM2 9h5v4.5H2zM9 9h5v4.5H9z",
  flip: "M2.5 6V3.5h9M9.5 1.5l2 2-2 2M13.5 10v2.5h-9M6.5 10.5l-2 2 2 2",
  overlay:
    "M10.5 8a4.2 4.2 0 1 1-8.4 0 4.2 4.2 0 0 1 8.4 0zM13.9 8a4.2 4.2 0 1 1-8.4 0 4.2 4.2 0 0 1 8.4 0z",
  difference: "M8 2v6M5 5h6M5 12.5h6",
  checker: "M2 2.5h12v11H2zM8 2.5v11M2 8h12M3 3.5l4 3.5M9 9l4 3.5",
  swap: "M2 5.5h10M9.5 3l2.5 2.5L9.5 8M14 11H4M6.5 8.5L4 11l2.5 2.5",
  turn: "M13 8a5 5 0 1 1-1.6-3.7M13.3 2v3h-3",
  loupe: "M11 6.8a4.3 4.3 0 1 1-8.6 0 4.3 4.3 0 0 1 8.6 0zM10 10l3.8 3.8",
  outline: "M2.5 5V2.5H5M11 2.5h2.5V5M13.5 11v2.5H11M5 13.5H2.5V11M6 6h4v4H6z",
  minus: "M3.5 8h9",
  plus: "M3.5 8h9M8 3.5v9",
  fit: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
  save: "M8 2v8M4.8 7L8 10.2 11.2 7M2.5 13.5h11",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  screen: "M2 3.5h12v8H2zM5.5 14h5",
  help: "M5.8 6a2.2 2.2 0 1 1 3.2 2c-.7.4-1 .8-1 1.6M8 12.3v.4",
  grip: "M6.2 5.7L3.9 8l2.3 2.3M9.8 5.7L12.1 8l-2.3 2.3",
  play: "M5 3.5l7 4.5-7 4.5z",
  pause: "M5.5 3.5v9M10.5 3.5v9",
};

const MODES = [
  ["slider", "Slider"],
  ["hover", "Hover"],
  ["side", "Side by side"],
  ["grid", "All"],
  ["flip", "Flip"],
  ["overlay", "Overlay"],
  ["difference", "Difference"],
  ["checker", "Checker"],
];
const BACKGROUNDS = ["checker", "white", "black", "alpha"];
const NAMES = /** @type {(keyof Model)[]} */ ([
  ...[
    "pictures",
    "pair",
    "mode",
    "turned",
    "position",
    "mix",
    "kind",
    "gain",
    "threshold",
    "square",
  ],
  ...["background", "match", "viewport", "offset", "loupe", "outlined", "says", "numbers", "notes"],
]);
let views = 0;

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {string} name
 * @param {HTMLElement} parent
 * @param {Record<string, string>} [attributes]
 * @returns {HTMLElementTagNameMap[K]}
 */
function add(tag, name, parent, attributes = {}) {
  const element = document.createElement(tag);
  element.className = `rfw-cmp-${name}`;
  for (const [key, text] of Object.entries(attributes)) element.setAttribute(key, text);
  // JupyterLab's shortcuts are found from the focused element upwards, so it is that one which has to refuse them.
  if ("tabindex" in attributes || ["button", "input", "select"].includes(tag)) {
    element.setAttribute("data-lm-suppress-shortcuts", "true");
  }
  parent.append(element);
  return element;
}

/**
 * @param {HTMLElement} element
 * @param {keyof typeof ICONS} icon
 */
function setIcon(element, icon) {
  element.innerHTML = `<svg viewBox="0 0 16 16" aria-hidden="true"><path d="${ICONS[icon]}"/></svg>`;
}

/**
 * @param {HTMLElement} parent
 * @param {{ icon?: keyof typeof ICONS, name: string, text?: string, keys?: string }} what
 * @param {() => void} act
 * @param {AbortSignal} signal
 * @returns {HTMLButtonElement}
 */
function addButton(parent, { icon, name, text, keys }, act, signal) {
  const button = add("button", "button", parent, {
    type: "button",
    title: keys ? `${name} (${keys})` : name,
  });
  button.setAttribute("aria-label", name);
  if (icon) setIcon(button, icon);
  if (text) add("span", "word", button).textContent = text;
  button.addEventListener("click", act, { signal });
  return button;
}

/**
 * The keys of a toolbar: one stop for Tab, arrows within.
 * @param {HTMLElement} bar
 * @param {AbortSignal} signal
 */
function rove(bar, signal) {
  const stops = () =>
    /** @type {HTMLElement[]} */ ([...bar.querySelectorAll("button, select")]).filter(
      (element) => element.offsetParent !== null,
    );
  const settle = () => {
    const all = stops();
    const kept = all.find((element) => element.tabIndex === 0) ?? all[0];
    for (const element of all) element.tabIndex = element === kept ? 0 : -1;
  };
  bar.addEventListener(
    "keydown",
    (event) => {
      const all = stops();
      const at = all.indexOf(/** @type {HTMLElement} */ (event.target));
      if (at < 0 || all[at] instanceof HTMLSelectElement) return;
      /** @type {Record<string, number>} */
      const goals = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: all.length - 1 };
      if (!(event.key in goals)) return;
      const next = all[(goals[event.key] + all.length) % all.length];
      for (const element of all) element.tabIndex = element === next ? 0 : -1;
      next.focus();
      event.preventDefault();
      event.stopPropagation();
    },
    { signal },
  );
  bar.addEventListener(
    "focusin",
    (event) => {
      const target = /** @type {HTMLElement} */ (event.target);
      for (const element of stops()) element.tabIndex = element === target ? 0 : -1;
    },
    { signal },
  );
  settle();
  return settle;
}

/**
 * The panes of a mode, and how high they make the view.
 * @param {string} mode
 * @param {number} width
 * @param {number} most
 * @param {Size} stage
 * @param {{ count: number, pair: number[], full: boolean }} of
 * @returns {{ height: number, panes: (Box & { index: number })[] }}
 */
export function panesOf(mode, width, most, stage, { count, pair, full }) {
  const gap = 4;
  const shown = mode === "grid" ? Array.from({ length: count }, (_, index) => index) : pair;
  if (mode !== "side" && mode !== "grid") {
    const height = full ? most : heightFor(stage, width, most);
    return { height, panes: [{ x: 0, y: 0, width, height, fill: full, index: pair[0] }] };
  }
  const { columns, rows } = gridOf(shown.length, stage, { width, height: most });
  const wide = (width - gap * (columns - 1)) / columns;
  const room = (most - gap * (rows - 1)) / rows;
  const high = full ? room : heightFor(stage, wide, room);
  const panes = shown.map((index, place) => ({
    x: (place % columns) * (wide + gap),
    y: Math.floor(place / columns) * (high + gap),
    width: wide,
    height: high,
    fill: full,
    index,
  }));
  return { height: rows * high + (rows - 1) * gap, panes };
}

/**
 * @param {Size} stage
 * @param {number} width
 * @param {number} most
 */
function heightFor(stage, width, most) {
  const zoom = fitZoom(stage, { width, height: most });
  return Math.round(Math.min(most, Math.max(140, stage.height * zoom)));
}

/**
 * @param {Uint8Array} bytes
 * @param {string} name
 */
function saveAs(bytes, name) {
  const ending = name.split(".").pop() ?? "png";
  const url = URL.createObjectURL(new Blob([new Uint8Array(bytes)], { type: `image/${ending}` }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/**
 * Everything that is on the page as long as the view is.
 * @param {HTMLElement} el
 */
function build(el) {
  el.classList.add("rfw-cmp");
  el.setAttribute("data-lm-suppress-shortcuts", "true");
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", "Comparison of pictures");
  const bar = add("div", "bar", el, { role: "toolbar", "aria-label": "How to compare" });
  const options = add("div", "options", el);
  const view = add("div", "view", el, { tabindex: "0", role: "application" });
  const [canvas, context] = newCanvas(1, 1);
  canvas.className = "rfw-cmp-canvas";
  canvas.setAttribute("aria-hidden", "true");
  view.append(canvas);
  const tags = add("div", "tags", view);
  const divider = add("div", "divider", view, { role: "slider", tabindex: "0" });
  divider.setAttribute("aria-label", "Divider between A and B");
  divider.setAttribute("aria-valuemin", "0");
  divider.setAttribute("aria-valuemax", "100");
  divider.title = "Drag, or use the arrow keys; double click centres";
  setIcon(add("div", "grip", divider), "grip");
  const map = add("canvas", "map", view, { "aria-hidden": "true", width: "120", height: "90" });
  const loupe = add("div", "loupe", view, { "aria-hidden": "true" });
  const lens = add("canvas", "lens", loupe, { width: "216", height: "104" });
  const values = add("div", "values", loupe);
  const help = add("div", "help", view, { role: "dialog", "aria-label": "Keys", tabindex: "-1" });
  help.hidden = true;
  const strip = add("div", "strip", el, { role: "group", "aria-label": "Pictures" });
  const foot = add("div", "foot", el);
  const says = add("div", "says", foot, { role: "status" });
  const numbers = add("div", "numbers", foot);
  const notes = add("ul", "notes", foot);
  const status = add("div", "unseen", el, { role: "status" });
  const toast = add("div", "toast", view, { "aria-hidden": "true" });
  toast.hidden = true;
  writeHelp(help);
  return {
    ...{ bar, options, view, canvas, context, tags, divider, map, loupe, lens, values },
    ...{ help, strip, says, numbers, notes, status, toast },
  };
}

/** @param {HTMLElement} help */
function writeHelp(help) {
  add("strong", "title", help).textContent = "Keys, while this view has the focus";
  const list = add("dl", "keys", help);
  const more = [
    ["1 … 9", "Picture as B; with Shift as A"],
    ["← →", "Divider or overlay by 1 % (Shift: 10 %); moves the view when zoomed"],
    ["Home End", "Divider to an edge"],
    ["Alt+← →", "Shift B against A"],
    ["Ctrl+wheel", "Zoom at the pointer"],
    ["Esc", "Close this; then leave the view"],
  ];
  for (const [keys, text] of [...KEYS.map(([key, , what]) => [key, what]), ...more]) {
    const row = add("div", "row", list);
    add("dt", "key", row).textContent = keys;
    add("dd", "what", row).textContent = text;
  }
}

/** @param {HTMLCanvasElement} thumb @param {ImageBitmap | undefined} picture */
function drawThumb(thumb, picture) {
  const drawing = thumb.getContext("2d");
  if (!picture || !drawing) return;
  const scale = Math.min(96 / picture.width, 64 / picture.height);
  drawing.clearRect(0, 0, 96, 64);
  drawing.imageSmoothingQuality = "medium";
  const [wide, high] = [picture.width * scale, picture.height * scale];
  drawing.drawImage(picture, (96 - wide) / 2, (64 - high) / 2, wide, high);
}

/** @param {HTMLElement} numbers @param {Table} table */
function writeTable(numbers, table) {
  if (!table.rows || !table.columns) return;
  const grid = add("table", "table", numbers);
  const head = grid.createTHead().insertRow();
  head.append(document.createElement("td"));
  for (const [name, meaning] of table.rows) {
    const cell = add("th", "th", head, { scope: "col", title: meaning });
    cell.textContent = name;
  }
  const body = grid.createTBody();
  for (const [column, name] of table.columns.entries()) {
    const row = body.insertRow();
    add("th", "th", row, { scope: "row" }).textContent = name;
    for (const cells of table.rows) row.insertCell().textContent = cells[column + 2];
  }
}

/**
 * The whole picture, with the part of it that is seen; hidden while that is all.
 * @param {HTMLCanvasElement} map
 * @param {ImageBitmap | undefined} picture
 * @param {Look} now
 * @param {Pane} pane
 */
function drawMiniature(map, picture, now, pane) {
  const { zoom, left, top } = transformOf(now.viewport, now.stage, pane);
  const box = seenBox({ zoom, left, top }, now.stage, pane);
  const all = box.width >= now.stage.width * zoom - 1 && box.height >= now.stage.height * zoom - 1;
  map.hidden = all || pane.width < 260;
  const drawing = map.getContext("2d");
  if (map.hidden || !drawing || !picture) return;
  const scale = Math.min(120 / now.stage.width, 90 / now.stage.height);
  map.width = Math.max(8, Math.round(now.stage.width * scale));
  map.height = Math.max(8, Math.round(now.stage.height * scale));
  const place = placeOf(now.pictures[now.pair[1]], now.stage, now.match);
  drawing.drawImage(
    picture,
    place.x * scale,
    place.y * scale,
    place.width * scale,
    place.height * scale,
  );
  drawing.fillStyle = "rgba(0, 0, 0, 0.45)";
  drawing.fillRect(0, 0, map.width, map.height);
  const part = {
    x: ((box.x - left) / zoom) * scale,
    y: ((box.y - top) / zoom) * scale,
    width: Math.max(3, (box.width / zoom) * scale),
    height: Math.max(3, (box.height / zoom) * scale),
  };
  drawing.save();
  drawing.beginPath();
  drawing.rect(part.x, part.y, part.width, part.height);
  drawing.clip();
  drawing.drawImage(
    picture,
    place.x * scale,
    place.y * scale,
    place.width * scale,
    place.height * scale,
  );
  drawing.restore();
  drawing.strokeStyle = "#ffffff";
  drawing.lineWidth = 1.5;
  drawing.strokeRect(part.x + 0.75, part.y + 0.75, part.width - 1.5, part.height - 1.5);
}

/**
 * The pixels around one of A and B, magnified: the exact ones, or until they are here, those of the previews.
 * @param {HTMLCanvasElement} lens
 * @param {Scene} scene
 * @param {Look} now
 * @param {Exact | null} sharp
 * @param {{ x: number, y: number }} centre of the frame
 */
function drawLens(lens, scene, now, sharp, centre) {
  const drawing = lens.getContext("2d");
  if (!drawing) return;
  const many = 2 * REACH + 1;
  const cell = 104 / many;
  drawing.clearRect(0, 0, lens.width, lens.height);
  for (const [side, index] of now.pair.entries()) {
    const left = side * 112;
    if (sharp) {
      for (let place = 0; place < many * many; place++) {
        const [red, green, blue, alpha] = sharp.patches[index].subarray(4 * place, 4 * place + 4);
        const [column, row] = [place % many, Math.floor(place / many)];
        drawing.fillStyle = (column + row) % 2 ? "#ffffff" : "#e4e4e4";
        drawing.fillRect(left + column * cell, row * cell, cell + 0.5, cell + 0.5);
        drawing.fillStyle = `rgba(${red}, ${green}, ${blue}, ${alpha / 255})`;
        drawing.fillRect(left + column * cell, row * cell, cell + 0.5, cell + 0.5);
      }
    } else {
      const [small, smallContext] = newCanvas(104, 104);
      const magnified = {
        ...now,
        dpr: 1,
        viewport: [centre.x / now.stage.width, centre.y / now.stage.height, cell],
      };
      scene.drawPicture(smallContext, magnified, index, { width: 104, height: 104 });
      drawing.drawImage(small, left, 0);
    }
    drawing.strokeStyle = "#000000";
    drawing.strokeRect(left + REACH * cell - 1, REACH * cell - 1, cell + 2, cell + 2);
    drawing.strokeStyle = "#ffffff";
    drawing.strokeRect(left + REACH * cell, REACH * cell, cell, cell);
  }
}

/**
 * The values of one pixel in all pictures, a line each.
 * @param {Look} now
 * @param {Exact | null} sharp
 * @param {number[]} at
 * @returns {string}
 */
function pixelLines(now, sharp, at) {
  const lines = [`${at[0]}, ${at[1]}`];
  for (const [index, picture] of now.pictures.entries()) {
    const badge = index === now.pair[0] ? "A" : index === now.pair[1] ? "B" : String(index + 1);
    const middle = 4 * (REACH * (2 * REACH + 1) + REACH);
    const inside = sharp?.where[index].every(
      (place, side) => place >= 0 && place < [picture.width, picture.height][side],
    );
    const text = !sharp
      ? "…"
      : inside
        ? pixelText(sharp.patches[index].subarray(middle, middle + 4), picture.alpha)
        : "outside";
    lines.push(`${badge}  ${text}`);
  }
  return lines.join("\n");
}

/**
 * @param {RenderProps<Model>} props
 * @returns {() => void}
 */
function render({ model, el }) {
  const listening = new AbortController();
  const { signal } = listening;
  views += 1;
  const viewId = `${views}-${Math.random().toString(36).slice(2)}`;
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  /** What a gesture has changed and the kernel does not know yet. @type {Partial<Model>} */
  const live = {};
  /**
   * @template {keyof Model} K
   * @param {K} name
   * @returns {Model[K]}
   */
  const value = (name) => /** @type {Model[K]} */ (live[name] ?? model.get(name));
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let settling;
  const settle = () => {
    clearTimeout(settling);
    const changes = /** @type {(keyof Model)[]} */ (Object.keys(live));
    if (changes.length === 0) return;
    for (const name of changes) {
      const wanted = live[name];
      delete live[name];
      if (wanted !== undefined) model.set(name, /** @type {any} */ (wanted));
    }
    model.save_changes();
  };
  /**
   * Change at once what is seen here; the kernel is told when the gesture ends.
   * @param {Partial<Model>} changes
   * @param {"now" | "soon" | "later"} when
   */
  const change = (changes, when = "now") => {
    Object.assign(live, changes);
    clearTimeout(settling);
    if (when === "now") settle();
    if (when === "soon") settling = setTimeout(settle, 200);
    // What moves with the pointer changes nothing around the view, and must not cost a layout of the page.
    if (Object.keys(changes).every((name) => name === "position")) redraw();
    else refresh();
  };

  // ------------------------------------------------------------ what there is on the page

  const parts = build(el);
  const { bar, options, view, canvas, context, tags, divider, map, loupe, lens, values } = parts;
  const { help, strip, says, numbers, notes, status, toast } = parts;

  const scene = makeScene(() => redraw());
  let waiting = 0;
  let shown = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let blinking;
  /** @type {{ x: number, y: number } | null} */
  let pointer = null;
  /** @type {Exact | null} */
  let exact = null;
  let asked = "";
  let turns = 0;
  /** @type {ReturnType<typeof panesOf>} */
  let layout = { height: 1, panes: [{ x: 0, y: 0, width: 1, height: 1, index: 0 }] };
  let width = 0;
  /** Read once, since reading them in each frame would lay out the page each time. @type {number[]} */
  let tagWidths = [0, 0];

  const isFull = () => document.fullscreenElement === el;
  const zoomed = () => value("viewport")[2] > 0;

  /** @returns {Look} */
  const look = () => ({
    pictures: value("pictures"),
    stage: stageOf(value("pictures"), value("match")),
    match: value("match"),
    viewport: value("viewport"),
    pair: value("pair"),
    offset: value("offset"),
    background: value("background"),
    kind: value("kind"),
    gain: value("gain"),
    threshold: value("threshold"),
    dpr: window.devicePixelRatio || 1,
  });

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let toasting;
  /**
   * Say something: to a screen reader always, and on the page unless it can be seen anyway.
   * @param {string} sentence
   * @param {boolean} visible
   */
  const tell = (sentence, visible = true) => {
    status.textContent = sentence;
    clearTimeout(toasting);
    toast.hidden = !visible;
    toast.textContent = sentence;
    toasting = setTimeout(() => {
      toast.hidden = true;
    }, 5000);
  };

  /** @param {object} message */
  const ask = (message) => {
    try {
      model.send({ ...message, view: viewId });
    } catch {
      // A page that was exported has no kernel to ask.
    }
  };

  // ------------------------------------------------------------ the toolbar

  /** @param {string} mode */
  const setMode = (mode) => {
    stopBlinking();
    change({ mode });
    tell(`${MODES.find(([name]) => name === mode)?.[1]}.`, false);
  };
  const modes = add("div", "group", bar, { role: "group", "aria-label": "Ways to compare" });
  modes.classList.add("rfw-cmp-modes");
  /** @type {Record<string, HTMLButtonElement>} */
  const modeButtons = {};
  for (const [mode, name] of MODES) {
    const keys = KEYS.find(([, action]) => action === mode)?.[0];
    const icon = /** @type {keyof typeof ICONS} */ (mode);
    modeButtons[mode] = addButton(
      modes,
      { icon, name, text: name, keys },
      () => setMode(mode),
      signal,
    );
  }
  const tools = add("div", "group", bar, { role: "group", "aria-label": "Tools" });
  /** @param {HTMLElement} group @param {keyof typeof ICONS} icon @param {string} name @param {string} action */
  const tool = (group, icon, name, action) => {
    const keys = KEYS.find(([, one]) => one === action)?.[0];
    return addButton(group, { icon, name, keys }, () => act(action), signal);
  };
  tool(tools, "swap", "Swap A and B", "swap");
  const turnButton = tool(tools, "turn", "Turn the divider", "turn");
  const loupeButton = tool(tools, "loupe", "Loupe with pixel values", "loupe");
  const outlineButton = tool(
    tools,
    "outline",
    "Outline of the mask, and of what visibly changed outside it",
    "outline",
  );
  const zooming = add("div", "group", bar, { role: "group", "aria-label": "Zoom" });
  tool(zooming, "minus", "Zoom out", "zoom out");
  const zoomButton = addButton(
    zooming,
    { name: "Zoom" },
    () => act(zoomed() ? "fit" : "full size"),
    signal,
  );
  zoomButton.classList.add("rfw-cmp-zoom");
  tool(zooming, "plus", "Zoom in", "zoom in");
  tool(zooming, "fit", "Fit", "fit");
  const choices = add("div", "group", bar, { role: "group", "aria-label": "Display" });
  /** @param {string} name @param {[string, string][]} entries @param {(chosen: string) => void} choose */
  const select = (name, entries, choose) => {
    const box = add("select", "select", choices, { "aria-label": name, title: name });
    for (const [key, text] of entries) box.append(new Option(text, key));
    box.addEventListener("change", () => choose(box.value), { signal });
    return box;
  };
  const background = select(
    "Background",
    [
      ["checker", "Checkerboard"],
      ["white", "White"],
      ["black", "Black"],
      ["colour", "Colour"],
      ["alpha", "Alpha only"],
    ],
    (chosen) => change({ background: chosen === "colour" ? colour.value : chosen }),
  );
  const colour = add("input", "colour", choices, {
    type: "color",
    "aria-label": "Background colour",
    value: "#6f8fae",
  });
  colour.addEventListener("input", () => change({ background: colour.value }, "soon"), { signal });
  const match = select(
    "Pictures of other sizes",
    [
      ["first", "Scale to first"],
      ["fit", "Fit the frame"],
      ["native", "Pixel for pixel"],
    ],
    (chosen) => change({ match: chosen }),
  );
  const ends = add("div", "group", bar, { role: "group", "aria-label": "Take away" });
  ends.classList.add("rfw-cmp-ends");
  const saveButton = addButton(
    ends,
    { icon: "save", name: "Download" },
    () => openMenu(menu.hidden === true),
    signal,
  );
  saveButton.setAttribute("aria-haspopup", "menu");
  addButton(ends, { icon: "copy", name: "Copy this view" }, () => void copyView(), signal);
  const screenButton = tool(ends, "screen", "Full screen", "full screen");
  tool(ends, "help", "Keys", "help");
  const menu = add("div", "menu", ends, { role: "menu", "aria-label": "Download" });
  menu.hidden = true;
  const roved = rove(bar, signal);

  // ------------------------------------------------------------ files

  const composite = async () => {
    draw();
    /** @type {Blob | null} */
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    if (!blob) throw new Error("This browser could not write the picture.");
    return blob;
  };
  const copyView = async () => {
    try {
      // Given as a promise: Safari allows writing only within the click itself.
      await navigator.clipboard.write([new ClipboardItem({ "image/png": composite() })]);
      tell("Copied what is seen as a picture.");
    } catch {
      tell("This browser does not let the page copy pictures; download it instead.");
    }
  };
  /** @param {string} what */
  const download = async (what) => {
    openMenu(false);
    if (what === "view") {
      saveAs(new Uint8Array(await (await composite()).arrayBuffer()), "view.png");
      tell("Saved what is seen.");
      return;
    }
    settle();
    tell("Asked the kernel for the file; while it is busy, this waits.");
    ask({ do: "file", what });
  };
  /** @param {boolean} open */
  const openMenu = (open) => {
    menu.replaceChildren();
    menu.hidden = !open;
    saveButton.setAttribute("aria-expanded", String(open));
    if (!open) return;
    const [a, b] = value("pair");
    const pictures = value("pictures");
    for (const [what, text] of [
      [String(a), `A: ${pictures[a].label} (PNG)`],
      [String(b), `B: ${pictures[b].label} (PNG)`],
      ["view", "What is seen now (PNG)"],
      ["split", "Split at the divider, full size (PNG)"],
      ["side", "Side by side with labels (PNG)"],
      ["gif", "Small animation (GIF)"],
      ["webp", "Small animation (WebP)"],
    ]) {
      const item = add("button", "item", menu, { type: "button", role: "menuitem" });
      item.textContent = text;
      item.addEventListener("click", () => void download(what), { signal });
    }
    /** @type {HTMLElement} */ (menu.firstElementChild).focus();
  };
  menu.addEventListener(
    "keydown",
    (event) => {
      const items = /** @type {HTMLElement[]} */ ([...menu.children]);
      const at = items.indexOf(/** @type {HTMLElement} */ (event.target));
      if (event.key === "ArrowDown") items[(at + 1) % items.length].focus();
      else if (event.key === "ArrowUp") items[(at + items.length - 1) % items.length].focus();
      else if (event.key === "Escape") {
        openMenu(false);
        saveButton.focus();
      } else return;
      event.preventDefault();
      event.stopPropagation();
    },
    { signal },
  );
  ends.addEventListener(
    "focusout",
    (event) => {
      if (!menu.hidden && !ends.contains(/** @type {Node | null} */ (event.relatedTarget)))
        openMenu(false);
    },
    { signal },
  );

  // ------------------------------------------------------------ the options of a mode

  let optionsFor = "";
  /** @type {(() => void)[]} */
  let optionUpdates = [];
  /**
   * @param {string} name
   * @param {{ min: number, max: number, step: number }} range
   * @param {() => number} get
   * @param {(wanted: number) => Partial<Model>} set
   * @param {() => string} text
   */
  const addRange = (name, range, get, set, text) => {
    const label = add("label", "range", options);
    add("span", "name", label).textContent = name;
    const input = add("input", "input", label, { type: "range", "aria-label": name });
    for (const [key, number] of Object.entries(range)) input.setAttribute(key, String(number));
    const output = add("output", "output", label);
    input.addEventListener("input", () => change(set(Number(input.value)), "later"), { signal });
    input.addEventListener("change", settle, { signal });
    optionUpdates.push(() => {
      input.value = String(get());
      input.setAttribute("aria-valuetext", text());
      output.textContent = text();
    });
  };
  const buildOptions = () => {
    const mode = value("mode");
    if (mode !== optionsFor) {
      optionsFor = mode;
      options.replaceChildren();
      optionUpdates = [];
      if (mode === "difference") buildDifference();
      if (mode === "flip") buildFlip();
      if (mode === "overlay") {
        addRange(
          "B over A",
          { min: 0, max: 100, step: 1 },
          () => Math.round(100 * value("mix")),
          (wanted) => ({ mix: wanted / 100 }),
          () => `${Math.round(100 * value("mix"))} %`,
        );
      }
      if (mode === "checker") {
        addRange(
          "Squares",
          { min: 8, max: 256, step: 8 },
          () => value("square"),
          (wanted) => ({ square: wanted }),
          () => `${value("square")} px`,
        );
      }
      const shift = addButton(
        options,
        { name: "Undo the shift of B", text: "" },
        () => change({ offset: [0, 0] }),
        signal,
      );
      shift.classList.add("rfw-cmp-shift");
      optionUpdates.push(() => {
        const [dx, dy] = value("offset");
        shift.hidden = dx === 0 && dy === 0;
        shift.textContent = `B is shifted by ${Math.round(dx)}, ${Math.round(dy)} px: undo`;
      });
    }
    for (const update of optionUpdates) update();
    options.hidden = [...options.children].every(
      (child) => /** @type {HTMLElement} */ (child).hidden,
    );
  };
  const buildDifference = () => {
    const kinds = add("div", "group", options, {
      role: "group",
      "aria-label": "How differences are drawn",
    });
    for (const [kind, text, title] of [
      ["heat", "Heat", "Warmer where more changed"],
      ["absolute", "Absolute", "In the channels that changed"],
      ["signed", "Brighter / darker", "Amber is brighter in B, blue is darker"],
    ]) {
      const button = addButton(kinds, { name: title, text }, () => change({ kind }), signal);
      button.setAttribute("aria-label", text);
      optionUpdates.push(() => button.setAttribute("aria-pressed", String(value("kind") === kind)));
    }
    addRange(
      "Gain",
      { min: 0, max: 6, step: 0.5 },
      () => Math.log2(value("gain")),
      (wanted) => ({ gain: 2 ** wanted }),
      () => `×${Math.round(10 * value("gain")) / 10}`,
    );
    addRange(
      "Threshold",
      { min: 0, max: 64, step: 1 },
      () => value("threshold"),
      (wanted) => ({ threshold: wanted }),
      () => `${value("threshold")} of 255`,
    );
  };
  const buildFlip = () => {
    const blink = addButton(
      options,
      { icon: "play", name: "Blink", text: "Blink", keys: "P" },
      () => act("blink"),
      signal,
    );
    const over = addButton(
      options,
      { name: "Flip over", text: "Flip over", keys: "Space" },
      () => act("flip over"),
      signal,
    );
    over.setAttribute("aria-label", "Flip over");
    optionUpdates.push(() => {
      setIcon(blink, blinking ? "pause" : "play");
      add("span", "word", blink).textContent = blinking ? "Stop" : "Blink";
      blink.setAttribute("aria-pressed", String(blinking !== undefined));
      blink.disabled = calm.matches;
      if (calm.matches) blink.title = "Blinking is off: this system asks for less motion";
    });
  };
  const stopBlinking = () => {
    clearInterval(blinking);
    blinking = undefined;
  };

  // ------------------------------------------------------------ what keys and buttons do

  /** @param {number} factor @param {{ x: number, y: number }} [point] */
  const zoomBy = (factor, point) => {
    const { stage, viewport } = look();
    const [pane] = layout.panes;
    const at = point ?? { x: pane.width / 2, y: pane.height / 2 };
    change({ viewport: zoomAt(viewport, stage, pane, at, factor) }, "soon");
  };
  /** @type {Record<string, () => void>} */
  const actions = {
    swap: () => {
      const [a, b] = value("pair");
      const [dx, dy] = value("offset");
      change({ pair: [b, a], offset: [-dx, -dy] });
      tell(`A is ${value("pictures")[b].label}, B is ${value("pictures")[a].label}.`, false);
    },
    turn: () => change({ turned: !value("turned") }),
    loupe: () => change({ loupe: !value("loupe") }),
    outline: () => change({ outlined: !value("outlined") }),
    "flip over": () => {
      if (value("mode") !== "flip") return;
      shown = 1 - shown;
      refresh();
      if (!blinking) tell(`${value("pictures")[value("pair")[shown]].label}.`, false);
    },
    blink: () => {
      if (value("mode") !== "flip" || calm.matches) return;
      if (blinking) stopBlinking();
      else blinking = setInterval(actions["flip over"], BLINK_MS);
      refresh();
    },
    background: () => {
      const next = (BACKGROUNDS.indexOf(value("background")) + 1) % BACKGROUNDS.length;
      change({ background: BACKGROUNDS[next] });
      tell(`Background: ${BACKGROUNDS[next]}.`);
    },
    "zoom in": () => zoomBy(1.25),
    "zoom out": () => zoomBy(1 / 1.25),
    fit: () => change({ viewport: [0.5, 0.5, 0] }),
    "full size": () => {
      const [x, y, zoom] = value("viewport");
      const { dpr } = look();
      change({ viewport: [x, y, zoom === 1 && dpr !== 1 ? 1 / dpr : 1] });
    },
    "next mode": () => stepMode(1),
    "mode before": () => stepMode(-1),
    "full screen": () => {
      if (isFull()) void document.exitFullscreen();
      else el.requestFullscreen?.().catch(() => tell("This page does not allow full screen."));
    },
    help: () => {
      help.hidden = !help.hidden;
      if (!help.hidden) help.focus();
      else view.focus({ preventScroll: true });
    },
  };
  /** @param {number} step */
  const stepMode = (step) => {
    const known = MODES.map(([mode]) => mode).filter(
      (mode) => mode !== "grid" || value("pictures").length > 2,
    );
    const at = known.indexOf(value("mode"));
    setMode(known[(at + step + known.length) % known.length]);
  };
  /** @param {number} side @param {number} index */
  const choose = (side, index) => {
    const pair = [...value("pair")];
    if (index >= value("pictures").length) return;
    if (value("mode") === "flip" && side === 1 && pair.includes(index)) {
      shown = pair.indexOf(index);
      refresh();
      return;
    }
    // The picture that is chosen twice changes its place with the other.
    if (pair[1 - side] === index) pair[1 - side] = pair[side];
    pair[side] = index;
    shown = side;
    change({ pair, offset: [0, 0] });
  };
  /** @param {string} action */
  const act = (action) => {
    const picture = /^([ab]):(\d)$/.exec(action);
    if (picture) choose(picture[1] === "a" ? 0 : 1, Number(picture[2]));
    else if (action in modeButtons) {
      if (action !== "grid" || value("pictures").length > 2) setMode(action);
    } else actions[action]?.();
  };

  /** @param {KeyboardEvent} event */
  const arrows = (event) => {
    if (event.altKey) {
      /** @type {Record<string, number[]>} */
      const shifts = {
        ArrowLeft: [-1, 0],
        ArrowRight: [1, 0],
        ArrowUp: [0, -1],
        ArrowDown: [0, 1],
      };
      const shift = shifts[event.key];
      if (!shift) return false;
      const [dx, dy] = value("offset");
      const step = event.shiftKey ? 10 : 1;
      change({ offset: [dx + step * shift[0], dy + step * shift[1]] }, "soon");
      return true;
    }
    const onDivider = event.target === divider;
    if (zoomed() && !onDivider) {
      /** @type {Record<string, number[]>} */
      const moves = {
        ArrowLeft: [48, 0],
        ArrowRight: [-48, 0],
        ArrowUp: [0, 48],
        ArrowDown: [0, -48],
      };
      const move = moves[event.key];
      if (!move) return false;
      change(
        { viewport: panBy(value("viewport"), look().stage, layout.panes[0], move[0], move[1]) },
        "soon",
      );
      return true;
    }
    const slides = value("mode") === "slider" || value("mode") === "hover";
    if (!slides && value("mode") !== "overlay") return false;
    const wanted = positionAfter(slides ? value("position") : value("mix"), event);
    if (wanted === null) return false;
    change(slides ? { position: wanted } : { mix: wanted }, "soon");
    return true;
  };

  el.addEventListener(
    "keydown",
    (event) => {
      const target = /** @type {HTMLElement} */ (event.target);
      if (event.key === "Tab") return;
      if (event.key === "Escape") {
        if (isFull()) return;
        if (!help.hidden) actions.help();
        else target.blur();
      } else if (target === view || target === divider || target === help) {
        if (!(arrows(event) || pressed(event))) return;
      } else if (event.key === "Enter" || event.key === " ") {
        // A button or a list does with it what it always does.
        event.stopPropagation();
        return;
      } else if (
        target instanceof HTMLInputElement ||
        target instanceof HTMLSelectElement ||
        !pressed(event)
      )
        return;
      event.preventDefault();
      event.stopPropagation();
    },
    { signal },
  );
  /** @param {KeyboardEvent} event */
  const pressed = (event) => {
    const action = actionFor(event);
    if (action === null) return false;
    act(action);
    return true;
  };

  // ------------------------------------------------------------ the pointer

  /** @type {Map<number, { x: number, y: number }>} */
  const pointers = new Map();
  let gesture = "";
  let moved = false;
  let fingerOnPicture = false;
  /** @param {MouseEvent} event */
  const pointOf = (event) => {
    const box = view.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  /** @param {{ x: number, y: number }} point */
  const paneAt = (point) =>
    layout.panes.find(
      (pane) =>
        point.x >= pane.x &&
        point.y >= pane.y &&
        point.x < pane.x + pane.width &&
        point.y < pane.y + pane.height,
    ) ?? layout.panes[0];
  const seen = () => {
    const { viewport, stage } = look();
    const [pane] = layout.panes;
    return seenBox(transformOf(viewport, stage, pane), stage, pane);
  };
  /** @param {{ x: number, y: number }} point */
  const divideAt = (point) => {
    const box = seen();
    const position = value("turned")
      ? fraction(point.y, box.y, box.height)
      : fraction(point.x, box.x, box.width);
    change({ position }, "later");
  };
  /** @param {{ x: number, y: number }} point */
  const isOnDivider = (point) => {
    const box = seen();
    const at = value("turned")
      ? box.y + value("position") * box.height
      : box.x + value("position") * box.width;
    return Math.abs((value("turned") ? point.y : point.x) - at) <= 16;
  };
  /** @param {PointerEvent} event @param {{ x: number, y: number }} point */
  const gestureFor = (event, point) => {
    if (event.button === 1) return "pan";
    if (event.altKey) return "shift";
    if (value("mode") === "slider" && (isOnDivider(point) || !zoomed())) return "divide";
    return "pan";
  };
  view.addEventListener(
    "pointerdown",
    (event) => {
      const target = /** @type {HTMLElement} */ (event.target);
      if (event.button > 1 || help.contains(target) || target === map) return;
      const point = pointOf(event);
      pointers.set(event.pointerId, point);
      view.setPointerCapture(event.pointerId);
      moved = false;
      if (pointers.size > 1) gesture = "pinch";
      else gesture = divider.contains(target) ? "divide" : gestureFor(event, point);
      // A finger may be about to scroll the page; it divides once it has moved sideways.
      fingerOnPicture = event.pointerType === "touch" && !divider.contains(target);
      if (gesture === "divide" && !fingerOnPicture) divideAt(point);
      const focused = gesture === "divide" ? divider : view;
      focused.focus({ preventScroll: true });
      view.classList.toggle("rfw-cmp-grabbing", gesture === "pan" && zoomed());
      if (event.button === 1) event.preventDefault();
    },
    { signal },
  );
  view.addEventListener(
    "pointermove",
    (event) => {
      const point = pointOf(event);
      pointer = point;
      const before = pointers.get(event.pointerId);
      if (!before) {
        if (value("mode") === "hover" && event.pointerType !== "touch") divideAt(point);
        if (value("loupe")) redraw();
        return;
      }
      const [dx, dy] = [point.x - before.x, point.y - before.y];
      if (!moved && Math.hypot(dx, dy) < 4) return;
      // A finger that goes up or down means the page, and only one that goes sideways means the divider.
      const upwards = Math.abs(dy) > Math.abs(dx) || value("turned");
      if (!moved && fingerOnPicture && gesture === "divide" && upwards) gesture = "";
      moved = true;
      if (gesture === "pinch") pinch(event.pointerId, point);
      pointers.set(event.pointerId, point);
      const { stage, viewport } = look();
      const [pane] = layout.panes;
      if (gesture === "divide") divideAt(point);
      if (gesture === "pan") change({ viewport: panBy(viewport, stage, pane, dx, dy) }, "later");
      if (gesture === "shift") {
        const { zoom } = transformOf(viewport, stage, pane);
        const [x, y] = value("offset");
        change({ offset: [x + dx / zoom, y + dy / zoom] }, "later");
      }
    },
    { signal },
  );
  /** @param {number} id @param {{ x: number, y: number }} point */
  const pinch = (id, point) => {
    const other = [...pointers].find(([one]) => one !== id)?.[1];
    const before = pointers.get(id);
    if (!other || !before) return;
    const factor =
      Math.hypot(point.x - other.x, point.y - other.y) /
      Math.max(1, Math.hypot(before.x - other.x, before.y - other.y));
    zoomBy(factor, { x: (point.x + other.x) / 2, y: (point.y + other.y) / 2 });
  };
  /** @param {PointerEvent} event */
  const release = (event) => {
    if (!pointers.delete(event.pointerId)) return;
    if (event.type === "pointerup" && gesture === "divide" && !moved) divideAt(pointOf(event));
    if (event.type === "pointerup" && !moved && value("mode") === "flip" && gesture === "pan")
      act("flip over");
    if (pointers.size === 0) {
      gesture = "";
      view.classList.remove("rfw-cmp-grabbing");
      settle();
    }
  };
  view.addEventListener("pointerup", release, { signal });
  view.addEventListener("pointercancel", release, { signal });
  view.addEventListener(
    "pointerleave",
    () => {
      pointer = null;
      if (value("mode") === "hover" && pointers.size === 0) settle();
      redraw();
    },
    { signal },
  );
  view.addEventListener(
    "dblclick",
    (event) => {
      // Told to the view, which has captured the pointer, and not to the divider itself.
      const on =
        divider.contains(/** @type {Node} */ (event.target)) || isOnDivider(pointOf(event));
      if (value("mode") === "slider" && on) change({ position: 0.5 });
    },
    { signal },
  );
  view.addEventListener(
    "wheel",
    (event) => {
      // Without a key the page scrolls on.
      if (!(event.ctrlKey || event.metaKey || isFull())) return;
      event.preventDefault();
      const box = view.getBoundingClientRect();
      const point = { x: event.clientX - box.left, y: event.clientY - box.top };
      const pane = paneAt(point);
      const lines = event.deltaMode === 1 ? 16 : 1;
      zoomBy(Math.exp(-event.deltaY * lines * 0.0025), {
        x: point.x - pane.x,
        y: point.y - pane.y,
      });
    },
    { signal, passive: false },
  );
  /** @param {PointerEvent} event */
  const mapMoved = (event) => {
    if (event.type === "pointermove" && !(event.buttons & 1)) return;
    const box = map.getBoundingClientRect();
    const [, , zoom] = value("viewport");
    const x = fraction(event.clientX, box.left, box.width);
    const y = fraction(event.clientY, box.top, box.height);
    change({ viewport: [x, y, zoom] }, "soon");
    event.stopPropagation();
  };
  map.addEventListener("pointerdown", mapMoved, { signal });
  map.addEventListener("pointermove", mapMoved, { signal });

  // ------------------------------------------------------------ a frame

  const redraw = () => {
    if (!waiting) {
      waiting = requestAnimationFrame(() => {
        waiting = 0;
        draw();
      });
    }
  };

  /** @param {HTMLCanvasElement} layer @param {Box} pane @param {Box} part in screen pixels of the pane */
  const blit = (layer, pane, part) => {
    const dpr = window.devicePixelRatio || 1;
    const [x, y] = [Math.round(part.x * dpr), Math.round(part.y * dpr)];
    const right = Math.min(layer.width, Math.round((part.x + part.width) * dpr));
    const bottom = Math.min(layer.height, Math.round((part.y + part.height) * dpr));
    if (right <= x || bottom <= y) return;
    const [left, top] = [Math.round(pane.x * dpr), Math.round(pane.y * dpr)];
    context.drawImage(layer, x, y, right - x, bottom - y, left + x, top + y, right - x, bottom - y);
  };

  const draw = () => {
    const now = look();
    const high = Math.max(1, Math.round(layout.height * now.dpr));
    const wide = Math.max(1, Math.round(width * now.dpr));
    if (canvas.width !== wide || canvas.height !== high) {
      canvas.width = wide;
      canvas.height = high;
    }
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = 1;
    context.clearRect(0, 0, wide, high);
    const mode = value("mode");
    for (const pane of layout.panes) drawPane(mode, now, pane);
    placeDivider();
    drawMiniature(map, scene.preview(now.pair[1]), now, layout.panes[0]);
    drawLoupe(now);
    // The kernel holds back its heavy work until then.
    if (scene.isReady() && el.dataset.drawn !== "yes") ask({ do: "drawn" });
    el.dataset.drawn = scene.isReady() ? "yes" : "no";
    askForTiles(now, mode);
  };

  /** @param {string} mode @param {Look} now @param {Box & { index: number }} pane */
  const drawPane = (mode, now, pane) => {
    const whole = { x: 0, y: 0, width: pane.width, height: pane.height };
    const [a, b] = now.pair;
    if (mode === "slider" || mode === "hover") drawDivided(now, pane);
    else if (mode === "difference") blit(scene.differences(now, pane), pane, whole);
    else if (mode === "flip") blit(scene.picture(now, now.pair[shown], pane), pane, whole);
    else if (mode === "overlay") {
      blit(scene.picture(now, a, pane), pane, whole);
      context.globalAlpha = value("mix");
      blit(scene.picture(now, b, pane), pane, whole);
      context.globalAlpha = 1;
    } else if (mode === "checker") drawChecker(now, pane);
    else blit(scene.picture(now, pane.index, pane), pane, whole);
    if (value("outlined") && scene.hasOutlines()) blit(scene.outlines(now, pane), pane, whole);
  };

  /** @param {Look} now @param {Box} pane */
  const drawDivided = (now, pane) => {
    const box = seenBox(transformOf(now.viewport, now.stage, pane), now.stage, pane);
    const position = value("position");
    const [first, second] = [
      scene.picture(now, now.pair[0], pane),
      scene.picture(now, now.pair[1], pane),
    ];
    if (value("turned")) {
      const at = box.y + position * box.height;
      blit(first, pane, { x: 0, y: 0, width: pane.width, height: at });
      blit(second, pane, { x: 0, y: at, width: pane.width, height: pane.height - at });
    } else {
      const at = box.x + position * box.width;
      blit(first, pane, { x: 0, y: 0, width: at, height: pane.height });
      blit(second, pane, { x: at, y: 0, width: pane.width - at, height: pane.height });
    }
  };

  /** @param {Look} now @param {Box} pane */
  const drawChecker = (now, pane) => {
    const whole = { x: 0, y: 0, width: pane.width, height: pane.height };
    blit(scene.picture(now, now.pair[0], pane), pane, whole);
    const layer = scene.picture(now, now.pair[1], pane);
    const box = seenBox(transformOf(now.viewport, now.stage, pane), now.stage, pane);
    const side = value("square");
    for (let row = 0; row * side < box.height; row++) {
      for (let column = (row + 1) % 2; column * side < box.width; column += 2) {
        const x = box.x + column * side;
        const y = box.y + row * side;
        const part = {
          x,
          y,
          width: Math.min(side, box.x + box.width - x),
          height: Math.min(side, box.y + box.height - y),
        };
        context.clearRect(
          Math.round(x * now.dpr),
          Math.round(y * now.dpr),
          part.width * now.dpr,
          part.height * now.dpr,
        );
        blit(layer, pane, part);
      }
    }
  };

  const placeDivider = () => {
    const slides = value("mode") === "slider" || value("mode") === "hover";
    divider.hidden = !slides;
    if (!slides) return;
    const turned = value("turned");
    const position = value("position");
    const box = seen();
    divider.classList.toggle("rfw-cmp-turned", turned);
    divider.style.left = `${turned ? box.x : box.x + position * box.width}px`;
    divider.style.top = `${turned ? box.y + position * box.height : box.y}px`;
    divider.style.width = turned ? `${box.width}px` : "";
    divider.style.height = turned ? "" : `${box.height}px`;
    const pictures = value("pictures");
    const [a, b] = value("pair");
    divider.setAttribute("aria-orientation", turned ? "vertical" : "horizontal");
    divider.setAttribute("aria-valuenow", String(Math.round(100 * position)));
    divider.setAttribute(
      "aria-valuetext",
      dividerText(position, pictures[a].label, pictures[b].label),
    );
    const [first, second] = /** @type {HTMLElement[]} */ ([...tags.children]);
    if (!first || !second) return;
    // A label goes when its side is too narrow for it.
    const room = turned ? box.height * position : box.width * position;
    const rest = turned ? box.height * (1 - position) : box.width * (1 - position);
    first.classList.toggle("rfw-cmp-gone", room < (turned ? 30 : tagWidths[0] + 16));
    second.classList.toggle("rfw-cmp-gone", rest < (turned ? 30 : tagWidths[1] + 16));
  };

  // ------------------------------------------------------------ the loupe

  /** @param {Look} now */
  const drawLoupe = (now) => {
    if (!value("loupe")) {
      loupe.hidden = true;
      return;
    }
    const point = pointer ?? { x: layout.panes[0].width / 2, y: layout.panes[0].height / 2 };
    const pane = paneAt(point);
    const { zoom, left, top } = transformOf(now.viewport, now.stage, pane);
    const frame = now.pair[0];
    const place = placeOf(now.pictures[frame], now.stage, now.match);
    const scale = place.width / now.pictures[frame].width;
    const at = [
      Math.floor(((point.x - pane.x - left) / zoom - place.x) / scale),
      Math.floor(((point.y - pane.y - top) / zoom - place.y) / scale),
    ];
    const { width: most, height: lowest } = now.pictures[frame];
    loupe.hidden = at[0] < 0 || at[1] < 0 || at[0] >= most || at[1] >= lowest || !scene.isReady();
    if (loupe.hidden) return;
    const name = `${frame}/${at[0]}/${at[1]}/${now.match}`;
    if (asked !== name) {
      asked = name;
      turns += 1;
      ask({ do: "pixels", frame, at, turn: turns });
    }
    const sharp =
      exact && exact.frame === frame && exact.at[0] === at[0] && exact.at[1] === at[1]
        ? exact
        : null;
    drawLens(lens, scene, now, sharp, {
      x: place.x + (at[0] + 0.5) * scale,
      y: place.y + (at[1] + 0.5) * scale,
    });
    values.textContent = pixelLines(now, sharp, at);
    const side = point.x > width / 2 ? point.x - 16 - 232 : point.x + 16;
    loupe.style.left = `${Math.max(4, Math.min(width - 236, side))}px`;
    const above = point.y > layout.height / 2 ? point.y - loupe.offsetHeight - 16 : point.y + 16;
    loupe.style.top = `${Math.max(4, Math.min(Math.max(4, layout.height - loupe.offsetHeight - 4), above))}px`;
  };

  // ------------------------------------------------------------ tiles

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let askingSoon;
  /** @param {Look} now @param {string} mode */
  const askForTiles = (now, mode) => {
    clearTimeout(askingSoon);
    if (!scene.isReady()) return;
    askingSoon = setTimeout(() => {
      const wanted = tilesWanted(now, mode);
      if (wanted.length === 0) return;
      turns += 1;
      ask({ do: "tiles", tiles: wanted, turn: turns });
    }, 120);
  };
  /** @param {Look} now @param {string} mode */
  const tilesWanted = (now, mode) => {
    const names = new Map();
    for (const pane of layout.panes) {
      const indices =
        mode === "side" || mode === "grid" ? [pane.index] : mode === "difference" ? [] : now.pair;
      for (const one of scene.missing(now, indices, pane, mode === "difference"))
        names.set(one.join("/"), one);
    }
    return [...names.values()];
  };

  /** @param {any} content @param {DataView[]} buffers */
  const heard = (content, buffers) => {
    const bytes = buffers.map((data) =>
      new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice(),
    );
    if (content.is === "tile") void scene.addTile(content.tile, buffers);
    if (content.is === "pixels") {
      exact = { at: content.at, frame: content.frame, where: content.where, patches: bytes };
      redraw();
    }
    if (content.is === "file" && content.view === viewId) {
      saveAs(bytes[0], content.name);
      tell(`Saved ${content.name}.`);
    }
    if (content.is === "problem") tell(content.says);
  };

  // ------------------------------------------------------------ what is around the view

  const arrange = () => {
    const full = isFull();
    width = view.clientWidth;
    const { stage, pair } = look();
    const most = full ? view.clientHeight : Math.max(220, Math.min(680, window.innerHeight * 0.7));
    layout = panesOf(value("mode"), width, most, stage, {
      count: value("pictures").length,
      pair,
      full,
    });
    view.style.height = full ? "" : `${layout.height}px`;
    canvas.style.height = `${layout.height}px`;
    canvas.style.width = `${width}px`;
    view.style.touchAction = zoomed() ? "none" : "pan-y";
    view.classList.toggle("rfw-cmp-zoomed", zoomed());
  };

  const writeTags = () => {
    const mode = value("mode");
    const pictures = value("pictures");
    const pair = value("pair");
    /** @type {{ index: number, x: number, y: number, end: boolean }[]} */
    const wanted = [];
    const [pane] = layout.panes;
    if (mode === "side" || mode === "grid") {
      for (const one of layout.panes)
        wanted.push({ index: one.index, x: one.x, y: one.y, end: false });
    } else if (mode === "flip") {
      const box = seen();
      wanted.push({ index: pair[shown], x: box.x, y: box.y, end: false });
    } else {
      const box = seen();
      const turned = value("turned") && (mode === "slider" || mode === "hover");
      wanted.push({ index: pair[0], x: box.x, y: box.y, end: false });
      wanted.push({
        index: pair[1],
        x: turned ? box.x : pane.width - box.x - box.width,
        y: turned ? pane.height - box.y - box.height : box.y,
        end: true,
      });
    }
    tags.replaceChildren();
    for (const { index, x, y, end } of wanted) {
      const tag = add("div", "tag", tags);
      const badge = index === pair[0] ? "A" : index === pair[1] ? "B" : String(index + 1);
      add("b", "badge", tag).textContent = badge;
      add("span", "label", tag).textContent = pictures[index].label;
      if (pictures[index].facts) add("span", "facts", tag).textContent = pictures[index].facts;
      const turned = end && value("turned") && (mode === "slider" || mode === "hover");
      tag.style.cssText = turned
        ? `left:${x + 8}px;bottom:${y + 8}px`
        : `${end ? "right" : "left"}:${x + 8}px;top:${y + 8}px`;
      tag.style.maxWidth = `${Math.max(60, (wanted.length > 1 && layout.panes.length === 1 ? pane.width / 2 : pane.width) - 24)}px`;
    }
    tagWidths = [...tags.children].map((tag) => /** @type {HTMLElement} */ (tag).offsetWidth);
  };

  let stripFor = "";
  const buildStrip = () => {
    const pictures = value("pictures");
    strip.hidden = pictures.length < 3;
    if (strip.hidden) return;
    const stamp = JSON.stringify(pictures);
    if (stamp !== stripFor) {
      stripFor = stamp;
      strip.replaceChildren();
      for (const [index, picture] of pictures.entries()) {
        const card = add("div", "card", strip);
        add("canvas", "thumb", card, { width: "96", height: "64", "aria-hidden": "true" });
        const name = add("div", "caption", card);
        name.textContent = `${index + 1} ${picture.label}`;
        name.title = [picture.label, picture.facts].filter(Boolean).join(" · ");
        const sides = add("div", "sides", card);
        for (const [side, letter] of ["A", "B"].entries()) {
          const what = { name: `${picture.label} as ${letter}`, text: letter };
          addButton(sides, what, () => choose(side, index), signal);
        }
      }
    }
    for (const [index, card] of [...strip.children].entries()) {
      const [a, b] = card.querySelectorAll("button");
      a.setAttribute("aria-pressed", String(value("pair")[0] === index));
      b.setAttribute("aria-pressed", String(value("pair")[1] === index));
      const thumb = /** @type {HTMLCanvasElement} */ (card.firstElementChild);
      drawThumb(thumb, scene.preview(index));
    }
  };
  const writeFoot = () => {
    const table = value("numbers");
    const pictures = value("pictures");
    const [a, b] = value("pair");
    const text = value("says") || "Counting what differs …";
    if (says.textContent !== text) says.textContent = text;
    says.classList.toggle("rfw-cmp-waiting", !value("says"));
    numbers.replaceChildren();
    const sizes = add("span", "sizes", numbers);
    const [first, second] = [a, b].map(
      (index) => `${pictures[index].width}×${pictures[index].height}`,
    );
    sizes.textContent = first === second ? `${first} px` : `A ${first}   B ${second} px`;
    writeTable(numbers, table);
    notes.replaceChildren();
    for (const note of value("notes")) add("li", "note", notes).textContent = note;
    notes.hidden = value("notes").length === 0;
  };

  const writeBar = () => {
    const mode = value("mode");
    const pictures = value("pictures");
    for (const [name, button] of Object.entries(modeButtons)) {
      button.setAttribute("aria-pressed", String(name === mode));
      button.hidden = name === "grid" && pictures.length < 3;
    }
    turnButton.hidden = mode !== "slider" && mode !== "hover";
    turnButton.setAttribute("aria-pressed", String(value("turned")));
    loupeButton.setAttribute("aria-pressed", String(value("loupe")));
    outlineButton.setAttribute("aria-pressed", String(value("outlined")));
    outlineButton.hidden = !model.get("mask")?.byteLength;
    screenButton.setAttribute("aria-pressed", String(isFull()));
    const { stage, viewport } = look();
    const { zoom } = transformOf(viewport, stage, layout.panes[0]);
    const percent = `${Math.round(100 * zoom)} %`;
    zoomButton.textContent = percent;
    zoomButton.title = zoomed()
      ? `${percent}; click to fit (0)`
      : `Fits, at ${percent}; click for 100 % (Z)`;
    zoomButton.setAttribute("aria-label", zoomButton.title);
    const ground = value("background");
    const own = !["checker", "white", "black", "alpha"].includes(ground);
    background.value = own ? "colour" : ground;
    background.hidden = !pictures.some((picture) => picture.alpha) && ground === "checker";
    colour.hidden = !own;
    if (own) colour.value = ground;
    match.value = value("match");
    match.hidden = pictures.every(
      ({ width: wide, height: high }) => wide === pictures[0].width && high === pictures[0].height,
    );
    choices.hidden = background.hidden && match.hidden;
    const [a, b] = value("pair");
    view.setAttribute(
      "aria-label",
      `${pictures[a].label} and ${pictures[b].label}, ${MODES.find(([name]) => name === mode)?.[1]}. Press ? for keys.`,
    );
    roved();
  };

  const refresh = () => {
    arrange();
    writeBar();
    buildOptions();
    writeTags();
    redraw();
  };
  const changed = () => {
    refresh();
    buildStrip();
    writeFoot();
  };

  for (const name of NAMES) model.on(`change:${name}`, changed);
  const previewsChanged = () => void scene.setPreviews(model.get("previews")).then(buildStrip);
  const mapsChanged = () => void scene.setMaps(model.get("maps"));
  const maskChanged = () => void scene.setMask(model.get("mask"));
  model.on("change:previews", previewsChanged);
  model.on("change:maps", mapsChanged);
  model.on("change:mask", maskChanged);
  model.on("msg:custom", heard);
  const sized = new ResizeObserver(() => {
    if (view.clientWidth !== width || isFull()) refresh();
  });
  sized.observe(view);
  el.addEventListener("fullscreenchange", () => refresh(), { signal });
  calm.addEventListener(
    "change",
    () => {
      stopBlinking();
      refresh();
    },
    { signal },
  );
  previewsChanged();
  mapsChanged();
  maskChanged();
  changed();

  return () => {
    settle();
    listening.abort();
    stopBlinking();
    clearTimeout(settling);
    clearTimeout(askingSoon);
    clearTimeout(toasting);
    cancelAnimationFrame(waiting);
    sized.disconnect();
    for (const name of NAMES) model.off(`change:${name}`, changed);
    model.off("change:previews", previewsChanged);
    model.off("change:maps", mapsChanged);
    model.off("change:mask", maskChanged);
    model.off("msg:custom", heard);
    scene.close();
  };
}

export default { render };
