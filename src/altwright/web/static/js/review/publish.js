/** Publishes what is approved, after showing it. */

import { announce, tell } from "../announce.js";
import { call, submit } from "../api.js";
import { ask } from "../dialogs.js";
import { ended, take } from "../live.js";
import { add } from "../task-cards.js";
import { refresh } from "./counts.js";
import { narrowed } from "./narrowed.js";

/** @typedef {import("../api.js").DraftJson} DraftJson */

/** Drafts that one request brings; the most that the API gives. */
const PAGE = 200;

/** @param {import("./deck.js").Deck} deck @param {import("./decisions.js").Decisions} decisions */
export async function publish(deck, decisions) {
  const button = document.querySelector("[data-publish]");
  if (!button) return; // who may only look
  if (button.hidden) return announce("Nothing is approved yet.");
  await Promise.all(deck.drafts.filter((draft) => draft.saver.isDirty).map((draft) => draft.saver.save()));
  // What was approved a moment ago may still be on its way.
  await Promise.all(deck.drafts.map((draft) => draft.queue));
  const dialog = document.getElementById("publish-dialog");
  let chosen = [];
  const shown = show(dialog);
  const begun = await ask(dialog, () => {
    chosen = picked(dialog);
    return submit("/drafts/publish", { ids: chosen });
  });
  await shown.catch(() => {});
  if (!begun) return;
  await watch(deck, decisions, begun, new Set(chosen));
}

/**
 * Show the tasks that publish, and what has become of the drafts once they have ended.
 * @param {import("./deck.js").Deck} deck @param {import("./decisions.js").Decisions} decisions
 * @param {{tasks: any[], busy_accounts: number[]}} begun @param {Set<number>} ids
 */
async function watch(deck, decisions, begun, ids) {
  // One for each account; the newest card comes first.
  for (const task of [...begun.tasks].reverse()) {
    add(task);
    take(task);
  }
  const card = document.querySelector("[data-cards] [data-task-card]");
  card?.setAttribute("tabindex", "-1");
  card?.focus();
  announce(
    begun.busy_accounts.length
      ? "Publishing has begun. To some accounts it is under way already; their other texts stay approved."
      : "Publishing has begun.",
  );
  decisions.published(ids);
  await Promise.all(begun.tasks.map((task) => ended(task)));
  const changed = deck.drafts.filter((draft) => ids.has(draft.id));
  await Promise.all([refresh(), ...changed.map((draft) => draft.replace())]).catch(() => {});
}

/** @param {HTMLDialogElement} dialog @returns {number[]} the drafts that are ticked */
function picked(dialog) {
  return [...dialog.querySelectorAll("[data-pick]:checked")].map((box) => Number(box.value));
}

/** Say how many texts go to how many posts, as they are ticked. @param {HTMLDialogElement} dialog */
function sum(dialog) {
  const count = picked(dialog).length;
  const posts = dialog.querySelectorAll(".preview__post:has([data-pick]:checked)").length;
  const words = `${count.toLocaleString("en")} ${count === 1 ? "text" : "texts"}`;
  dialog.querySelector("[data-publish-count]").textContent =
    `${words} to ${posts.toLocaleString("en")} ${posts === 1 ? "post" : "posts"}`;
  dialog.querySelector("[data-confirm]").disabled = count === 0;
}

/** @param {HTMLDialogElement} dialog */
async function show(dialog) {
  const loading = dialog.querySelector("[data-publish-loading]");
  const confirm = dialog.querySelector("[data-confirm]");
  const list = dialog.querySelector("[data-preview]");
  const heading = dialog.querySelector("[data-publish-count]");
  loading.hidden = false;
  confirm.disabled = true;
  list.replaceChildren();
  list.hidden = true;
  heading.textContent = "approved texts";
  try {
    const drafts = await approved();
    const posts = Map.groupBy
      ? Map.groupBy(drafts, (draft) => draft.post.id)
      : grouped(drafts);
    list.append(...[...posts.values()].map(item));
    list.hidden = !drafts.length;
    list.onchange = () => sum(dialog);
    dialog.querySelector("[data-replaces]").hidden = !drafts.some(replaces);
    sum(dialog);
  } catch (problem) {
    const error = dialog.querySelector("[data-dialog-error]");
    error.textContent = problem.message;
    error.hidden = false;
  } finally {
    loading.hidden = true;
  }
}

/** Whether publishing a draft takes away words that its picture has now. @param {DraftJson} draft */
function replaces(draft) {
  const now = draft.picture.published_text.trim();
  return Boolean(now) && now !== draft.text.trim();
}

/** @returns {Promise<DraftJson[]>} what is approved, of what the page is narrowed to */
async function approved() {
  const query = new URLSearchParams({ ...narrowed(), status: "approved", limit: String(PAGE) });
  const found = [];
  for (;;) {
    const page = await call("GET", `/drafts?${query}`);
    found.push(...page.drafts);
    if (!page.next_cursor) break;
    query.set("cursor", page.next_cursor);
  }
  return found;
}

function grouped(drafts) {
  const posts = new Map();
  for (const draft of drafts) posts.set(draft.post.id, [...(posts.get(draft.post.id) ?? []), draft]);
  return posts;
}

/** @param {DraftJson[]} drafts of one post */
function item(drafts) {
  const element = document.getElementById("preview-item").content.firstElementChild.cloneNode(true);
  const { post } = drafts[0];
  const words = post.text.replace(/\s+/g, " ").trim();
  element.querySelector(".preview__title").textContent = words || "A post without words";
  element.querySelector(".preview__texts").append(
    ...drafts.map((draft) => {
      const line = document.getElementById("preview-text").content.firstElementChild.cloneNode(true);
      const box = line.querySelector("[data-pick]");
      box.value = String(draft.id);
      box.checked = !replaces(draft);
      box.setAttribute("aria-label", `Publish: ${draft.text}`);
      line.querySelector("img").src = draft.picture.thumbnail_url;
      const now = line.querySelector("[data-now]");
      now.classList.toggle("preview__replaces", replaces(draft));
      now.querySelector("dd").textContent = draft.picture.published_text || "No alt text";
      const becomes = line.querySelector("[data-becomes]");
      becomes.lang = draft.language;
      becomes.textContent = draft.text;
      return line;
    }),
  );
  return element;
}

/**
 * Have a published text replaced, after its person has written the new one.
 * @param {import("./deck.js").Deck} deck @param {import("./decisions.js").Decisions} decisions
 * @param {import("./draft.js").Draft} draft @param {string} [text] to begin with
 */
export async function correct(deck, decisions, draft, text = draft.data.text) {
  const dialog = document.getElementById("correct-dialog");
  const field = dialog.querySelector("[data-field]");
  dialog.querySelector("[data-words]").textContent = draft.data.text;
  dialog.querySelector("[data-words]").lang = field.lang = draft.data.language;
  field.value = text;
  let problem = null;
  const begun = await ask(dialog, async () => {
    const body = { text: field.value, version: draft.data.version };
    draft.data = await call("POST", `/drafts/${draft.id}/correct`, body);
    try {
      return await submit("/drafts/publish", { ids: [draft.id] });
    } catch (found) {
      problem = found; // the text is approved, and goes with the next ones
      return true;
    }
  });
  if (!begun) return;
  if (!problem) return watch(deck, decisions, begun, new Set([draft.id]));
  await Promise.all([refresh(), draft.replace()]).catch(() => {});
  tell(`The new text is approved and not published yet: ${problem.message}`, { problem: true });
}
