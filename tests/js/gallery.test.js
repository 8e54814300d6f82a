import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CARD_PX,
  cardLabel,
  changed,
  columnsOf,
  costAsked,
  countText,
  GAP_PX,
  inPlace,
  moved,
  placeOf,
  roomFor,
  sinceText,
  whenText,
  windowOf,
} from "../../runflow_widgets/widgets/static/gallery.js";

const LINE = CARD_PX + GAP_PX;

test("it is said how many runs are shown, and why there are none", () => {
  assert.equal(countText(0, 0), "No runs yet: whatever is run appears here.");
  assert.equal(countText(0, 5), "No run fits. Take a filter away, or use fewer words.");
  assert.equal(countText(1, 1), "1 run");
  assert.equal(countText(3, 5), "3 of 5 runs");
});

test("two cards stand side by side on a narrow page, and never none", () => {
  assert.equal(columnsOf(280), 2);
  assert.equal(columnsOf(100), 1);
  assert.equal(columnsOf(1000), 7);
});

test("the cards of a line fill its width", () => {
  const last = placeOf(5, 3, 500);

  assert.equal(last.top, LINE);
  assert.ok(Math.abs(last.left + last.width - 500) < 1e-9);
  assert.equal(roomFor(7, 3), 3 * LINE - GAP_PX);
  assert.equal(roomFor(0, 3), 0);
});

test("of thousands only the cards in sight are drawn, and a line around them", () => {
  assert.deepEqual(windowOf(0, 2 * LINE, 5000, 4), [0, 12]);
  assert.deepEqual(windowOf(100 * LINE, 2 * LINE, 5000, 4), [396, 412]);
  assert.deepEqual(windowOf(0, 2 * LINE, 5, 4), [0, 5]);
  assert.deepEqual(windowOf(99 * LINE, LINE, 5, 4), [5, 5]);
});

/** @type {[string, number, number | null][]} */
const MOVES = [
  ["ArrowRight", 3, 4],
  ["ArrowRight", 9, 9],
  ["ArrowLeft", 0, 0],
  ["ArrowDown", 1, 5],
  ["ArrowDown", 7, 7],
  ["ArrowUp", 6, 2],
  ["ArrowUp", 2, 2],
  ["PageDown", 0, 8],
  ["PageDown", 5, 9],
  ["PageUp", 9, 1],
  ["Home", 7, 0],
  ["End", 1, 9],
  ["x", 3, null],
];

for (const [key, from, to] of MOVES) {
  test(`${key} leads from card ${from} to ${to}`, () => {
    assert.equal(moved(key, from, { columns: 4, count: 10, lines: 2 }), to);
  });
}

test("a moment is told as short as it is clear", () => {
  const now = new Date(2026, 10, 21, 16, 30);
  const at = (/** @type {number[]} */ ...parts) =>
    new Date(parts[0], parts[1], parts[2], parts[3], parts[4]).getTime() / 1000;

  assert.equal(whenText(at(2026, 10, 21, 9, 5), now), "09:05");
  assert.equal(whenText(at(2026, 10, 2, 9, 5), now), "2 Nov 09:05");
  assert.equal(whenText(at(2025, 10, 2, 9, 5), now), "2 Nov 2025");
  assert.equal(whenText(0, now), "");
});

test("what goes on tells for how long", () => {
  const now = new Date(100_000);

  assert.equal(sinceText(88, now), "12 s");
  assert.equal(sinceText(-25, now), "2 min 5 s");
  assert.equal(sinceText(-9000, now), "over an hour");
  assert.equal(sinceText(200, now), "0 s");
});

test("a filter that asks for nothing is taken away, and free of cost is not nothing", () => {
  const filters = changed({ model: "a/b", starred: true }, { model: "", starred: false, most: 0 });

  assert.deepEqual(filters, { most: 0 });
  assert.equal(costAsked(filters), "free");
  assert.equal(costAsked({ least: 0.2 }), "over");
  assert.equal(costAsked({ least: 3 }), "");
});

test("a card without a picture says what is in its place", () => {
  /** @type {any} */
  const row = { kind: "", tone: "failed" };

  assert.equal(inPlace(row, false), "✕");
  assert.equal(inPlace({ ...row, kind: "deleted", tone: "done" }, false), "Deleted here");
  assert.equal(inPlace({ ...row, kind: "image", tone: "done" }, false), "…");
  assert.equal(inPlace({ ...row, kind: "image", tone: "done" }, true), "No preview");
  assert.equal(inPlace({ ...row, tone: "cancelled" }, false), "");
});

test("a card says everything to those who do not see it", () => {
  const row = {
    key: "k",
    model: "a/b",
    state: "Done",
    tone: "done",
    when: 0,
    cost: "$0.14",
    took: "2.0 s",
    starred: true,
    kind: "image",
    files: 2,
    thumb: -1,
  };

  assert.equal(cardLabel(row, new Date()), "a/b, Done, 2.0 s, $0.14, starred, 2 files");
});
