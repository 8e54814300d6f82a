import assert from "node:assert/strict";
import { test } from "node:test";
import {
  actionFor,
  dividerText,
  fitZoom,
  fraction,
  gridOf,
  halved,
  heat,
  KEYS,
  levelFor,
  mapFactor,
  outlineLimit,
  outlineOf,
  paintDifference,
  panBy,
  panesOf,
  pixelText,
  placeOf,
  positionAfter,
  seenBox,
  stageOf,
  tilesOf,
  transformOf,
  viewportOf,
  zoomAt,
} from "../../runflow_widgets/widgets/static/compare.js";

const PHOTO = { width: 1200, height: 800 };
const PANE = { width: 600, height: 500 };
const FIT = [0.5, 0.5, 0];

/** @param {number[]} found @param {number[]} wanted */
function near(found, wanted) {
  assert.equal(found.length, wanted.length);
  for (const [index, number] of wanted.entries()) {
    assert.ok(Math.abs(found[index] - number) < 1e-9, `${found} is not ${wanted}`);
  }
}

// ---------------------------------------------------------------- point 2: one transform

test("point 2: the whole picture is seen at first, centred in what is left", () => {
  assert.equal(fitZoom(PHOTO, PANE), 0.5);
  assert.deepEqual(transformOf(FIT, PHOTO, PANE), { zoom: 0.5, left: 0, top: 50 });
});

test("point 2: a small picture is enlarged, but not to the size of a poster", () => {
  assert.equal(fitZoom({ width: 32, height: 16 }, { width: 900, height: 500 }), 10);
  assert.equal(fitZoom({ width: 600, height: 400 }, { width: 900, height: 500 }), 1);
  assert.equal(fitZoom({ width: 600, height: 400 }, { width: 900, height: 600, fill: true }), 1.5);
});

test("point 2: what lies under the pointer stays there while zooming", () => {
  const point = { x: 150, y: 200 };
  const before = transformOf(FIT, PHOTO, PANE);
  const under = (150 - before.left) / before.zoom;

  const after = transformOf(zoomAt(FIT, PHOTO, PANE, point, 4), PHOTO, PANE);

  assert.equal(after.zoom, 2);
  near([(150 - after.left) / after.zoom], [under]);
});

test("point 2: zooming out ends at fitting, zooming in at 64", () => {
  assert.deepEqual(zoomAt([0.2, 0.2, 0.6], PHOTO, PANE, { x: 0, y: 0 }, 0.1), FIT);
  assert.equal(zoomAt([0.5, 0.5, 60], PHOTO, PANE, { x: 0, y: 0 }, 4)[2], 64);
});

test("point 2: moving stops at the edges and does nothing while all is seen", () => {
  assert.deepEqual(panBy(FIT, PHOTO, PANE, 40, 40), FIT);
  const moved = panBy([0.5, 0.5, 1], PHOTO, PANE, 1e6, -1e6);
  assert.deepEqual(transformOf(moved, PHOTO, PANE), { zoom: 1, left: 0, top: -300 });
});

test("point 2: a viewport survives the way through its transform", () => {
  const viewport = [0.4, 0.55, 3];
  near(viewportOf(transformOf(viewport, PHOTO, PANE), PHOTO, PANE), viewport);
});

test("point 2: the divider moves within the part of the frame that is seen", () => {
  const tall = { width: 400, height: 800 };
  const box = seenBox(transformOf(FIT, tall, PANE), tall, PANE);
  assert.deepEqual(box, { x: 175, y: 0, width: 250, height: 500 });
  const zoomed = seenBox(transformOf([0.5, 0.5, 4], tall, PANE), tall, PANE);
  assert.deepEqual(zoomed, { x: 0, y: 0, width: 600, height: 500 });
});

// ---------------------------------------------------------------- point 3: sizes

const OTHER = { width: 600, height: 600 };

test("point 3: a picture of another shape is scaled to the first and never stretched", () => {
  const stage = stageOf([PHOTO, OTHER], "first");
  assert.deepEqual(stage, PHOTO);
  assert.deepEqual(placeOf(OTHER, stage, "first"), { x: 200, y: 0, width: 800, height: 800 });
});

test("point 3: each fits the frame that holds the widest and the highest", () => {
  const stage = stageOf([PHOTO, { width: 600, height: 1200 }], "fit");
  assert.deepEqual(stage, { width: 1200, height: 1200 });
  assert.deepEqual(placeOf(OTHER, stage, "fit"), { x: 0, y: 0, width: 1200, height: 1200 });
});

test("point 3: pixel for pixel, centre lies on centre", () => {
  const stage = stageOf([PHOTO, OTHER], "native");
  assert.deepEqual(placeOf(OTHER, stage, "native"), { x: 300, y: 100, width: 600, height: 600 });
});

// ---------------------------------------------------------------- point 6: many pictures

test("point 6: panes are laid out so that the pictures are largest", () => {
  assert.deepEqual(gridOf(2, PHOTO, { width: 900, height: 600 }), { columns: 2, rows: 1 });
  assert.deepEqual(gridOf(2, { width: 1600, height: 400 }, { width: 900, height: 600 }), {
    columns: 1,
    rows: 2,
  });
  assert.deepEqual(gridOf(2, { width: 400, height: 800 }, { width: 900, height: 600 }), {
    columns: 2,
    rows: 1,
  });
  assert.deepEqual(gridOf(6, PHOTO, { width: 900, height: 600 }), { columns: 3, rows: 2 });
});

test("point 6: side by side shows the pair, and the grid shows all", () => {
  const of = { count: 4, pair: [2, 0], full: false };
  const side = panesOf("side", 900, 560, { width: 400, height: 800 }, of);
  const grid = panesOf("grid", 900, 560, PHOTO, of);
  assert.deepEqual(
    side.panes.map((pane) => pane.index),
    [2, 0],
  );
  assert.deepEqual(
    grid.panes.map((pane) => pane.index),
    [0, 1, 2, 3],
  );
  assert.ok(grid.panes.every((pane) => pane.x + pane.width <= 900.01));
});

// ---------------------------------------------------------------- point 8: the divider

/** @type {[string, boolean, number, number | null][]} */
const STEPS = [
  ["ArrowLeft", false, 0.5, 0.49],
  ["ArrowRight", false, 0.5, 0.51],
  ["ArrowUp", false, 0.5, 0.49],
  ["ArrowDown", false, 0.5, 0.51],
  ["ArrowRight", true, 0.5, 0.6],
  ["ArrowLeft", true, 0.05, 0],
  ["PageUp", false, 0.95, 1],
  ["Home", false, 0.5, 0],
  ["End", false, 0.5, 1],
  ["a", false, 0.5, null],
];
for (const [key, shiftKey, from, to] of STEPS) {
  test(`point 8: ${shiftKey ? "Shift+" : ""}${key} moves the divider from ${from} to ${to}`, () => {
    assert.equal(positionAfter(from, { key, shiftKey }), to);
  });
}

test("point 8: the pointer's place becomes a fraction and stays within", () => {
  assert.equal(fraction(150, 100, 200), 0.25);
  assert.equal(fraction(-5, 100, 200), 0);
  assert.equal(fraction(5, 0, 0), 0);
});

test("point 8: the divider says in words what is seen", () => {
  assert.equal(dividerText(0.3, "Before", "After"), "30 % Before, 70 % After");
  assert.equal(dividerText(0, "Before", "After"), "Only After is seen");
  assert.equal(dividerText(1, "Before", "After"), "Only Before is seen");
});

// ---------------------------------------------------------------- tiles

test("a level is sharp enough for the screen and not larger than needed", () => {
  assert.deepEqual([2, 1, 0.51, 0.5, 0.26, 0.25, 0.001].map(levelFor), [0, 0, 1, 1, 1, 2, 8]);
});

test("the tiles of what is seen come nearest first and never beyond the picture", () => {
  const part = { x: 400, y: -50, width: 800, height: 400 };
  assert.deepEqual(tilesOf(part, PHOTO, 0), [
    [1, 0],
    [2, 0],
    [0, 0],
  ]);
  assert.deepEqual(tilesOf(part, PHOTO, 1), [
    [0, 0],
    [1, 0],
  ]);
  assert.deepEqual(tilesOf({ x: 2000, y: 0, width: 10, height: 10 }, PHOTO, 0), []);
});

test("maps are smaller by whole factors", () => {
  assert.deepEqual(
    [1024, 1025, 6000].map((width) => mapFactor({ width, height: 10 })),
    [1, 2, 6],
  );
});

// ---------------------------------------------------------------- point 4: differences as colours

const ABSOLUTE = new Uint8ClampedArray([0, 0, 0, 255, 10, 0, 4, 255, 90, 90, 90, 255]);
const SIGNED = new Uint8ClampedArray([128, 128, 128, 255, 140, 140, 140, 255, 100, 100, 100, 255]);
const BOTH = { absolute: ABSOLUTE, signed: SIGNED };

test("point 4: heat is dark where nothing changed and warmer where more did", () => {
  const painted = paintDifference("heat", BOTH, 1, 0);
  const brightness = [0, 4, 8].map((at) => painted[at] + painted[at + 1] + painted[at + 2]);
  assert.deepEqual([...painted.subarray(0, 4)], [...heat(0), 255]);
  assert.ok(brightness[0] < brightness[1] && brightness[1] < brightness[2]);
});

test("point 4: the gain makes differences stronger and the threshold takes them away", () => {
  assert.deepEqual([...paintDifference("absolute", BOTH, 8, 0).subarray(4, 8)], [80, 0, 32, 255]);
  assert.deepEqual([...paintDifference("absolute", BOTH, 8, 10).subarray(4, 8)], [0, 0, 0, 255]);
});

test("point 4: brighter is amber, darker is blue, equal is grey", () => {
  const painted = paintDifference("signed", BOTH, 8, 0);
  assert.deepEqual([...painted.subarray(0, 3)], [40, 40, 44]);
  assert.ok(painted[4] > painted[6]);
  assert.ok(painted[10] > painted[8]);
});

test("point 4: the ramp of colours has no step", () => {
  for (let value = 1; value < 256; value++) {
    const [before, after] = [heat(value - 1), heat(value)];
    assert.ok(before.every((channel, index) => Math.abs(channel - after[index]) <= 8));
  }
});

// ---------------------------------------------------------------- point 5: outlines

test("point 5: the outline of one pixel is its four edges", () => {
  const marked = new Uint8Array([0, 0, 0, 0, 1, 0, 0, 0, 0]);
  assert.deepEqual(outlineOf(marked, 3, 3), [1, 1, 2, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 1, 2, 2]);
});

test("point 5: edges in a row are one line, also along the border of the picture", () => {
  assert.deepEqual(
    outlineOf(new Uint8Array([1, 1, 1]), 3, 1),
    [0, 0, 3, 0, 0, 1, 3, 1, 0, 0, 0, 1, 3, 0, 3, 1],
  );
  assert.deepEqual(outlineOf(new Uint8Array(9), 3, 3), []);
});

test("point 5: noise all over is not outlined, and a region in it is", () => {
  const values = new Uint8Array(200 * 200).map((_, at) => (at % 3 === 0 ? 14 : 0));
  for (let at = 0; at < 2000; at++) values[at] = 200;

  assert.equal(outlineLimit(values, 200, 200, 0), 16);
  assert.equal(outlineLimit(values, 200, 200, 3), 3);
  assert.equal(outlineLimit(new Uint8Array(9).fill(40), 3, 3, 0), 8);
});

test("point 5: marks at half the size lose nothing", () => {
  const marked = new Uint8Array(15);
  marked[14] = 1;
  assert.deepEqual([...halved(marked, 5, 3).marked], [0, 0, 0, 0, 0, 1]);
});

// ---------------------------------------------------------------- point 10: pixel values

test("point 10: a pixel is named by its channels and as people write colours", () => {
  assert.equal(pixelText([255, 0, 10, 128], false), "255 \u2007\u20070 \u200710  #ff000a");
  assert.equal(pixelText([255, 0, 10, 128], true), "255 \u2007\u20070 \u200710 128  #ff000a80");
});

// ---------------------------------------------------------------- keys

/** @type {[import("../../runflow_widgets/widgets/static/compare.js").KeyPress, string | null][]} */
const PRESSES = [
  [{ key: "s" }, "slider"],
  [{ key: "D" }, "difference"],
  [{ key: "f" }, "flip"],
  [{ key: "F", shiftKey: true }, "full screen"],
  [{ key: "M", shiftKey: true }, "mode before"],
  [{ key: " " }, "flip over"],
  [{ key: "=" }, "zoom in"],
  [{ key: "?", shiftKey: true }, "help"],
  [{ key: "3", code: "Digit3" }, "b:2"],
  [{ key: "#", code: "Digit3", shiftKey: true }, "a:2"],
  [{ key: "0", code: "Digit0" }, "fit"],
  [{ key: "s", ctrlKey: true }, null],
  [{ key: "c", metaKey: true }, null],
  [{ key: "Enter" }, null],
];
for (const [press, action] of PRESSES) {
  test(`${press.shiftKey ? "Shift+" : ""}${press.key} asks for ${action}`, () => {
    assert.equal(actionFor(press), action);
  });
}

test("no key is given twice", () => {
  const keys = KEYS.map(([key]) => key);
  assert.equal(new Set(keys).size, keys.length);
});
