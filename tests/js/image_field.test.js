import assert from "node:assert/strict";
import { test } from "node:test";
import {
  brought,
  CHUNK,
  objection,
  pieces,
} from "../../runflow_widgets/widgets/static/image_field.js";

test("a file is cut into pieces that cover it once and in order", () => {
  assert.deepEqual(pieces(10), [[0, 10]]);
  assert.deepEqual(pieces(2 * CHUNK + 5), [
    [0, CHUNK],
    [CHUNK, 2 * CHUNK],
    [2 * CHUNK, 2 * CHUNK + 5],
  ]);
});

test("no piece comes near the size at which messages are lost", () => {
  assert.ok(CHUNK < 5_000_000);
});

test("what cannot be taken is refused before it is sent", () => {
  const limit = 50_000_000;

  assert.equal(objection({ name: "a.png", size: 10, type: "image/png" }, limit), "");
  assert.equal(objection({ name: "a.xyz", size: 10, type: "" }, limit), "");
  assert.equal(objection({ name: "a.png", size: 0, type: "image/png" }, limit), "a.png is empty.");
  assert.match(
    objection({ name: "a.png", size: 61e6, type: "image/png" }, limit),
    /61\.0 MB; at most 50 MB/,
  );
  assert.match(
    objection({ name: "a.pdf", size: 9, type: "application/pdf" }, limit),
    /is no picture/,
  );
});

/**
 * @param {{ name: string, type: string }[]} files
 * @param {Record<string, string>} texts
 * @returns {any}
 */
function transfer(files, texts = {}) {
  return { files, getData: (/** @type {string} */ kind) => texts[kind] ?? "" };
}

test("of what is dropped the pictures count, then any files, then an address or path", () => {
  const picture = { name: "a.png", type: "image/png" };
  const note = { name: "a.txt", type: "text/plain" };

  assert.deepEqual(brought(transfer([note, picture])), { files: [picture] });
  assert.deepEqual(brought(transfer([picture, picture])), { files: [picture, picture] });
  assert.deepEqual(brought(transfer([note])), { files: [note] });
  assert.deepEqual(brought(transfer([], { "text/uri-list": "# from\nhttps://a.b/c.png\n" })), {
    text: "https://a.b/c.png",
  });
  assert.deepEqual(brought(transfer([], { "text/plain": "  photos/a.png " })), {
    text: "photos/a.png",
  });
  assert.equal(brought(transfer([])), null);
  assert.equal(brought(null), null);
});
