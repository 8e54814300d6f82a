import assert from "node:assert/strict";
import { test } from "node:test";
import {
  actionsFor,
  barFraction,
  countedTitle,
  duration,
  timeText,
} from "../../runflow_widgets/widgets/static/run_panel.js";

/** @type {[number, string][]} */
const DURATIONS = [
  [0, "0.0 s"],
  [0.44, "0.4 s"],
  [9.96, "10.0 s"],
  [10, "10 s"],
  [59.4, "59 s"],
  [60, "1 min"],
  [125, "2 min 5 s"],
  [-1, ""],
  [Number.NaN, ""],
];

for (const [seconds, text] of DURATIONS) {
  test(`${seconds} seconds read "${text}"`, () => {
    assert.equal(duration(seconds), text);
  });
}

test("the usual time stands beside the time so far while the run goes on", () => {
  assert.equal(timeText(2, 8, false), "2.0 s of usually 8.0 s");
  assert.equal(timeText(2, null, false), "2.0 s");
  assert.equal(timeText(2, 8, true), "2.0 s");
});

test("the bar is full when the run is done and empty when it failed", () => {
  assert.equal(barFraction({ progress: 0.3, done: true, failed: false }), 1);
  assert.equal(barFraction({ progress: 0.3, done: true, failed: true }), 0);
});

test("without a number the bar only shows that something goes on", () => {
  assert.equal(barFraction({ progress: null, done: false, failed: false }), null);
});

test("a fraction outside its range is brought back into it", () => {
  assert.equal(barFraction({ progress: 1.7, done: false, failed: false }), 1);
  assert.equal(barFraction({ progress: -1, done: false, failed: false }), 0);
});

test("a run that goes on can be stopped and told of, a run that is over leads on", () => {
  const over = { done: true, failed: false, resumes: false, hasPicture: true, hasFiles: true };

  assert.deepEqual(actionsFor({ ...over, done: false }), ["stop", "notify"]);
  assert.deepEqual(actionsFor(over), ["save", "compare", "use", "again", "edit", "code"]);
  assert.deepEqual(actionsFor({ ...over, hasPicture: false }), ["save", "again", "edit", "code"]);
  assert.deepEqual(actionsFor({ ...over, failed: true }), ["again", "edit", "code"]);
  assert.deepEqual(actionsFor({ ...over, failed: true, resumes: true }), [
    "resume",
    "again",
    "edit",
    "code",
  ]);
});

test("the title counts what ended unseen and forgets it again", () => {
  assert.equal(countedTitle("shirts.ipynb", 1), "(1) shirts.ipynb");
  assert.equal(countedTitle("(1) shirts.ipynb", 2), "(2) shirts.ipynb");
  assert.equal(countedTitle("(2) shirts.ipynb", 0), "shirts.ipynb");
});
