import assert from "node:assert/strict";
import { test } from "node:test";
import {
  announcement,
  counts,
  duration,
  overOf,
  ROW_PX,
  rowAfter,
  sentence,
  stopText,
  windowOf,
} from "../../runflow_widgets/widgets/static/run_table.js";

/** @param {Record<string, number>} groups */
function states(groups) {
  return Object.entries(groups).flatMap(([group, count]) =>
    Array.from({ length: count }, () => ({
      group,
      says: "",
      elapsed: 0,
      price: "",
      picture: false,
    })),
  );
}

/** @param {Record<string, number>} groups */
const counted = (groups) => counts(states(groups));

test("runs are counted in the order of the bar, whatever the order of the rows", () => {
  assert.deepEqual(counted({ waiting: 3, done: 2, failed: 1 }), [
    ["done", 2],
    ["failed", 1],
    ["stopped", 0],
    ["running", 0],
    ["waiting", 3],
  ]);
});

test("failed and stopped runs are over too", () => {
  assert.equal(overOf(counted({ done: 2, failed: 1, stopped: 4, running: 8, waiting: 16 })), 7);
});

test("the sentence names every kind there is", () => {
  assert.equal(sentence(counted({})), "No runs.");
  assert.equal(
    sentence(counted({ done: 11, failed: 1, running: 4, waiting: 34 })),
    "12 of 50 over: 11 done, 1 failed, 4 running, 34 waiting",
  );
  assert.equal(
    sentence(counted({ done: 6, stopped: 1 })),
    "All 7 runs are over: 6 done, 1 stopped",
  );
  assert.equal(sentence(counted({ failed: 1 })), "The run is over: 1 failed");
});

test("a screen reader hears every tenth of the way and the end", () => {
  assert.equal(announcement(counted({ done: 19, waiting: 181 })), "");
  assert.equal(announcement(counted({ done: 20, waiting: 180 })), "10 % of 200 runs are over");
  assert.equal(announcement(counted({ done: 39, waiting: 161 })), "10 % of 200 runs are over");
  assert.equal(announcement(counted({ done: 2 })), "All 2 runs are over: 2 done");
});

test("the button promises no more than it can do", () => {
  assert.equal(stopText(3, 0), "Cancel all");
  assert.equal(stopText(0, 3), "Stop waiting for all");
  assert.equal(stopText(1, 1), "Cancel or stop waiting for all");
  assert.equal(stopText(0, 0), "");
});

test("times are read as people say them", () => {
  assert.deepEqual([0.44, 9.96, 12.4, 59.4, 61, 3599.6].map(duration), [
    "0.4 s",
    "10.0 s",
    "12 s",
    "59 s",
    "1 min 1 s",
    "60 min 0 s",
  ]);
});

test("of hundreds of rows only those in sight are drawn", () => {
  const [first, last] = windowOf(200 * ROW_PX, 8 * ROW_PX, 500);

  assert.equal(first, 196);
  assert.equal(last, 212);
  assert.deepEqual(windowOf(0, 8 * ROW_PX, 3), [0, 3]);
  assert.deepEqual(windowOf(0, 8 * ROW_PX, 0), [0, 0]);
});

test("keys lead from row to row and stop at the ends", () => {
  assert.equal(rowAfter("ArrowDown", 3, 10), 4);
  assert.equal(rowAfter("ArrowDown", 9, 10), 9);
  assert.equal(rowAfter("ArrowUp", 0, 10), 0);
  assert.equal(rowAfter("PageDown", 0, 100), 7);
  assert.equal(rowAfter("Home", 40, 100), 0);
  assert.equal(rowAfter("End", 40, 100), 99);
  assert.equal(rowAfter("x", 40, 100), null);
  assert.equal(rowAfter("End", 0, 0), null);
});
