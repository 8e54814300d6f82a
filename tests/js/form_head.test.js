import assert from "node:assert/strict";
import { test } from "node:test";

import { freeName } from "../../runflow_widgets/widgets/static/form_head.js";

test("a name is offered that is not taken yet", () => {
  assert.equal(freeName([]), "My values");
  assert.equal(freeName(["A mug"]), "My values");
  assert.equal(freeName(["My values"]), "My values 2");
  assert.equal(freeName(["My values", "My values 2"]), "My values 3");
});
