import assert from "node:assert/strict";
import { test } from "node:test";
import { countText } from "../../runflow_widgets/widgets/static/gallery.js";

test("it is said how many runs are shown, and why there are none", () => {
  assert.equal(countText(0, 0), "No runs yet: whatever is run appears here.");
  assert.equal(countText(0, 5), "No run fits. Take a filter away, or use fewer words.");
  assert.equal(countText(1, 1), "1 run");
  assert.equal(countText(3, 5), "3 of 5 runs");
});
