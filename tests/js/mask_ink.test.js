import assert from "node:assert/strict";
import { test } from "node:test";
import {
  channels,
  ellipseSpan,
  extent,
  factsText,
  firstNotBelow,
  held,
  isReached,
  pixelRun,
  pixelsUnder,
  polygonSpans,
  rectangleSpan,
  resized,
  shapeRuns,
  strokeSpan,
  wholeView,
  zoomed,
} from "../../runflow_widgets/widgets/static/mask_ink.js";

const SIZE = [1200, 900];

test("a dab covers the pixels whose centres lie in it", () => {
  const runs = [3, 4, 5, 6].map((row) =>
    shapeRuns({ kind: "stroke", numbers: [5, 5, 1.2] }, row, 20),
  );

  assert.deepEqual(runs, [[], [[4, 5]], [[4, 5]], []]);
});

test("the thinnest brush still covers a pixel wherever it is", () => {
  for (const [x, y] of [
    [5, 5],
    [5.5, 5.5],
    [5.49, 5.01],
    [5.99, 5.5],
  ]) {
    const runs = [4, 5].flatMap((row) =>
      shapeRuns({ kind: "stroke", numbers: [x, y, 0.1] }, row, 20),
    );
    assert.ok(runs.length >= 1, `${x}, ${y}`);
  }
});

test("a slanted segment is as wide as its brush in every row between its ends", () => {
  const span = strokeSpan(0, 0, 5, 100, 100, 5, 50);

  assert.ok(span);
  assert.ok(Math.abs(span[1] - span[0] - 2 * 5 * Math.SQRT2) < 1e-9);
  assert.equal(strokeSpan(0, 0, 5, 100, 100, 5, -6), null);
});

test("boxes may be dragged in any direction", () => {
  assert.deepEqual(rectangleSpan([9, 8, 2, 1], 4.5), [2, 9]);
  assert.equal(rectangleSpan([9, 8, 2, 1], 8.5), null);
  assert.deepEqual(ellipseSpan([10, 10, 0, 0], 5), [0, 10]);
  assert.equal(ellipseSpan([0, 4, 10, 4], 4), null);
});

test("a polygon that winds round twice has no hole, one that is bent has two parts in a row", () => {
  const twice = [0, 0, 10, 0, 10, 10, 0, 10, 0, 0, 10, 0, 10, 10, 0, 10];
  assert.deepEqual(polygonSpans(twice, 5), [[0, 10]]);

  const bent = [0, 0, 10, 0, 10, 10, 8, 10, 8, 2, 2, 2, 2, 10, 0, 10];
  assert.deepEqual(polygonSpans(bent, 5), [
    [0, 2],
    [8, 10],
  ]);
});

test("runs are cut off at the picture's edge", () => {
  assert.deepEqual(pixelRun([-5, 3.4], 10), [0, 2]);
  assert.deepEqual(pixelRun([7.6, 50], 10), [8, 9]);
  assert.equal(pixelRun([12, 50], 10), null);
});

test("the extent of a stroke counts its radius, that of a polygon its corners", () => {
  assert.deepEqual(extent({ kind: "stroke", numbers: [1, 10, 4, 1, 20, 6] }), [6, 26]);
  assert.deepEqual(extent({ kind: "stroke", numbers: [1, 10, 4, 1, 20, 6] }, 1), [14, 26]);
  assert.deepEqual(extent({ kind: "polygon", numbers: [1, 10, 4, 30] }), [10, 30]);
});

test("every pixel of the canvas shows the picture's pixel under its centre", () => {
  assert.deepEqual([...pixelsUnder(4, 0.5, 10)], [11, 13, 15, 17]);
  assert.deepEqual([...pixelsUnder(4, 2, -1)], [-1, -1, 0, 0]);
});

test("the first pixel of the canvas at or after one of the picture is found", () => {
  const under = pixelsUnder(6, 2, 0);

  assert.deepEqual(
    [0, 1, 2, 9].map((value) => firstNotBelow(under, value)),
    [0, 2, 4, 6],
  );
});

test("a picture that is wider than the canvas is centred", () => {
  const view = wholeView(SIZE, 600, 600);

  assert.equal(view.scale, 0.5);
  assert.equal(view.x, 0);
  assert.equal(view.y, -150);
});

test("zooming keeps what is under the pointer there", () => {
  const view = wholeView(SIZE, 600, 450);

  const closer = zoomed(view, SIZE, 4, 300, 200);

  assert.equal(closer.scale, 2);
  assert.equal(closer.x + 300 / closer.scale, view.x + 300 / view.scale);
  assert.equal(closer.y + 200 / closer.scale, view.y + 200 / view.scale);
});

test("nobody zooms or moves so far that the picture is lost", () => {
  const view = wholeView(SIZE, 600, 450);

  assert.equal(zoomed(view, SIZE, 1e9, 0, 0).scale, 64);
  assert.equal(zoomed(view, SIZE, 1e-9, 0, 0).scale, view.scale / 2);
  const closer = zoomed(view, SIZE, 4, 300, 200);
  const far = held({ ...closer, x: 1e6, y: -1e6 }, SIZE);
  assert.ok(far.x < SIZE[0]);
  assert.ok(far.y + far.height / far.scale > 0);
});

test("marks are compared in a count that begins anew", () => {
  assert.ok(isReached(5, 5));
  assert.ok(isReached(6, 5));
  assert.ok(!isReached(4, 5));
  assert.ok(isReached(2, 0xfffffe));
});

test("the facts are said in few words", () => {
  assert.equal(factsText(0, []), "Nothing marked");
  assert.equal(factsText(0.0323, [10, 20, 110, 60]), "3.2 % marked · 100 × 40 px at 10, 20");
  assert.equal(factsText(0.5, [0, 0, 9, 9]).slice(0, 11), "50 % marked");
});

test("colours and brush sizes", () => {
  assert.deepEqual(channels("#ff2d87"), [255, 45, 135]);
  assert.equal(resized(1, 1, 100), 2);
  assert.equal(resized(1, -1, 100), 1);
  assert.equal(resized(100, 1, 100), 100);
  assert.ok(resized(50, -1, 100) < 50);
});
