import assert from "node:assert/strict";
import { test } from "node:test";
import { newPair, originText } from "../../runflow_widgets/widgets/static/studio_bar.js";

test("a version says what it was made from", () => {
  assert.equal(originText({ parent: 0, facts: "" }), "photo");
  assert.equal(originText({ parent: 2, facts: "1.2 s · free" }), "from 2 · 1.2 s · free");
});

test("one side of the pair is chosen, and no version stands on both", () => {
  assert.deepEqual(newPair([1, 2], "before", 3), [3, 2]);
  assert.deepEqual(newPair([1, 2], "after", 3), [1, 3]);
  assert.deepEqual(newPair([1, 2], "before", 2), [2, 1]);
  assert.deepEqual(newPair([1, 2], "after", 1), [2, 1]);
});
