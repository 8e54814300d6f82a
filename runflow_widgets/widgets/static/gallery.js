/** @import { RenderProps } from "@anywidget/types" */

/**
 * What else is asked for; what is missing does not matter.
 * @typedef {{
 *   model?: string, state?: string, starred?: boolean, since?: string, least?: number, most?: number,
 * }} Filters
 */

/**
 * An input that was brought into words: its name and its text.
 * @typedef {[string, string]} Told
 */

/** @typedef {{ code: string, sentence: string, advice: string }} Fault */
/** @typedef {{ name: string, path: string, there: boolean }} File */
/** @typedef {{ do?: string, text?: string, yes?: string }} Question */

/**
 * All that is known of the chosen run; empty while none is.
 * @typedef {{
 *   key?: string, title: string, starred: boolean, tone: string, facts: Told[], inputs: Told[], error: Partial<Fault>,
 *   files: File[], text: string, picture: boolean, saves: boolean, deletes: boolean, resumes: boolean, again: boolean,
 * }} Details
 */

/**
 * The traits this widget shares with Python.
 * @typedef {{
 *   search: string,
 *   filters: Filters,
 *   count: number,
 *   total: number,
 *   version: number,
 *   models: string[],
 *   selected: string,
 *   details: Details,
 *   picture: DataView,
 *   code: string,
 *   pair: string[],
 *   pair_names: string[],
 *   totals: string,
 *   sums: string[][],
 *   says: string,
 *   failed: boolean,
 *   ask: Question,
 *   beneath: string,
 * }} Model
 */

/**
 * How many of how many runs are shown, in words.
 * @param {number} count
 * @param {number} total
 * @returns {string}
 */
export function countText(count, total) {
  if (total === 0) return "No runs yet: whatever is run appears here.";
  if (count === 0) return "No run fits. Take a filter away, or use fewer words.";
  return count === total ? `${total} run${total === 1 ? "" : "s"}` : `${count} of ${total} runs`;
}

/**
 * @param {RenderProps<Model>} props
 */
function render({ model, el }) {
  el.classList.add("rfw-gal");
  el.textContent = countText(model.get("count"), model.get("total"));
}

export default { render };
