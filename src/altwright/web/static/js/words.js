/** The words of kinds and states: the server's (web/pages/words.py), from the block in base.html. */

/** @typedef {import("./api.js").Task} Task */
/** @typedef {{href: string, ended: string, active: string}} Result {task} and {drafts} are filled in */

/**
 * @type {{
 *   kinds: Object<string, {title: string, result: Result|null}>,
 *   task_states: Object<string, string>,
 *   nothing_done: string,
 *   active: string[],
 *   draft_states: Object<string, string>,
 *   remedies: Object<string, string>,
 *   describers: Object<string, string>,
 * }}
 */
const words = JSON.parse(document.getElementById("words").textContent);
const active = new Set(words.active);

export const draftStates = words.draft_states;
/** What the button of a warning says, by who mends it. */
export const remedies = words.remedies;

/** Return what people read for a describer's name. @param {string} name */
export const describerTitle = (name) => words.describers[name] ?? name;

/** @param {Task} task */
export const isActive = (task) => active.has(task.status);

/** @param {string} kind */
export const kindTitle = (kind) => words.kinds[kind]?.title ?? kind;

/** Return whether the home page shows tasks of this kind. @param {string} kind */
export const hasCard = (kind) => words.kinds[kind]?.result !== null;

/** Return how a task's badge looks, and its words. @param {Task} task */
export function taskState({ status, items }) {
  if (status === "completed" && items.failed && !items.done) return ["failed", words.nothing_done];
  return [status, words.task_states[status] ?? status];
}

/** Return where a task's result is, and the link's words. @param {Task} task */
export function resultLink(task) {
  const result = words.kinds[task.kind]?.result;
  const { done } = task.items;
  const text = isActive(task) ? result?.active : result?.ended;
  if (!done || !text) return null;
  const drafts = `${done.toLocaleString("en")} ${done === 1 ? "draft" : "drafts"}`;
  const fill = (/** @type {string} */ form) => form.replace("{task}", task.id).replace("{drafts}", drafts);
  return { href: fill(result.href), text: fill(text) };
}
