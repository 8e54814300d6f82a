import assert from "node:assert/strict";
import { test } from "node:test";

import { countOf, problemsText, runText } from "../../runflow_widgets/widgets/static/form_bar.js";

test("the button says how many runs it starts", () => {
  assert.equal(runText(1, false), "Run");
  assert.equal(runText(4, false), "Run 4 times");
  assert.equal(runText(4, true), "Starting…");
});

test("the head of the problems counts them", () => {
  assert.equal(problemsText(1), "One thing has to be put right:");
  assert.equal(problemsText(3), "3 things have to be put right:");
});

test("a number of runs is a whole one from 1 to 16", () => {
  assert.equal(countOf("3"), 3);
  assert.equal(countOf("2.6"), 3);
  assert.equal(countOf("0"), 1);
  assert.equal(countOf("99"), 16);
  assert.equal(countOf("many"), 1);
  assert.equal(countOf(""), 1);
});
