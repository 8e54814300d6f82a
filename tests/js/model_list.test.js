import assert from "node:assert/strict";
import { test } from "node:test";
import {
  fits,
  found,
  haystack,
  kinds,
  ROW_PX,
  windowOf,
} from "../../runflow_widgets/widgets/static/model_list.js";

/**
 * @param {string} id
 * @param {object} more
 * @returns {any}
 */
function row(id, more = {}) {
  const [maker, name] = id.split("/");
  const facts = { category: "edit", purpose: "", price: "", amount: 0.1, output: "image" };
  return {
    id,
    name,
    maker,
    ...facts,
    here: false,
    mask: false,
    image: true,
    featured: false,
    ...more,
  };
}

const ROWS = [
  row("runflow/object-removal", {
    category: "removal",
    purpose: "Takes things away",
    mask: true,
    here: true,
    amount: 0.14,
  }),
  row("bria/background/remove", {
    category: "background",
    purpose: "Cuts out",
    here: true,
    amount: 0.018,
  }),
  row("openai/gpt-image-2", { purpose: "Makes pictures of words", image: false, amount: null }),
  row("kling/video", { output: "video", amount: 0.5 }),
];
const ASKED = { search: "", filters: {}, order: "name", favourites: [], recent: [] };

/** @param {object} asked */
function ids(asked) {
  return found([...ROWS], ROWS.map(haystack), { ...ASKED, ...asked }).map(({ id }) => id);
}

test("all words must occur, in any order and in any of the texts", () => {
  assert.deepEqual(ids({ search: "away  RUNFLOW" }), ["runflow/object-removal"]);
  assert.deepEqual(ids({ search: "background runflow" }), []);
  assert.equal(ids({ search: "  " }).length, 4);
});

test("filters narrow, and a model without a price fits no price", () => {
  assert.deepEqual(ids({ filters: { here: true } }), [
    "bria/background/remove",
    "runflow/object-removal",
  ]);
  assert.deepEqual(ids({ filters: { mask: true } }), ["runflow/object-removal"]);
  assert.deepEqual(ids({ filters: { most: 0.2 } }), [
    "bria/background/remove",
    "runflow/object-removal",
  ]);
  assert.deepEqual(ids({ filters: { output: "video" } }), ["kling/video"]);
  assert.deepEqual(ids({ filters: { category: "background", maker: "bria" } }), [
    "bria/background/remove",
  ]);
  assert.deepEqual(ids({ filters: { favourite: true }, favourites: ["kling/video"] }), [
    "kling/video",
  ]);
  assert.ok(!fits(ROWS[2], { image: true }, new Set()));
});

test("the latest choices and the starred come first until something is looked for", () => {
  const mine = { favourites: ["openai/gpt-image-2"], recent: ["runflow/object-removal"] };

  assert.deepEqual(ids(mine).slice(0, 3), [
    "runflow/object-removal",
    "openai/gpt-image-2",
    "bria/background/remove",
  ]);
  assert.equal(ids({ ...mine, search: "i" })[0], "bria/background/remove");
});

test("by price the cheapest is first and the unknown last", () => {
  assert.deepEqual(ids({ order: "price" }), [
    "bria/background/remove",
    "runflow/object-removal",
    "kling/video",
    "openai/gpt-image-2",
  ]);
});

test("kinds are listed by how many models are of them", () => {
  assert.deepEqual(kinds(ROWS, "category"), ["edit", "background", "removal"]);
});

test("only the rows in sight are drawn, and a few around them", () => {
  assert.deepEqual(windowOf(0, 10 * ROW_PX, 5000), [0, 16]);
  assert.deepEqual(windowOf(1000 * ROW_PX, 10 * ROW_PX, 5000), [994, 1016]);
  assert.deepEqual(windowOf(0, 10 * ROW_PX, 3), [0, 3]);
});
