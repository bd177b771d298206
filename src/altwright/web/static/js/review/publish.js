/** Publishes what is approved, after showing it. */

import { announce } from "../announce.js";
import { call, submit } from "../api.js";
import { ask } from "../dialogs.js";
import { ended, take } from "../live.js";
import { add } from "../task-cards.js";
import { refresh } from "./counts.js";

/** @typedef {import("../api.js").DraftJson} DraftJson */

/** Drafts that one request brings; the most that the API gives. */
const PAGE = 200;

/** @param {import("./deck.js").Deck} deck @param {import("./decisions.js").Decisions} decisions */
export async function publish(deck, decisions) {
  if (document.querySelector("[data-publish]")?.hidden !== false) {
    return announce("Nothing is approved yet.");
  }
  await Promise.all(deck.drafts.filter((draft) => draft.saver.isDirty).map((draft) => draft.saver.save()));
  // What was approved a moment ago may still be on its way.
  await Promise.all(deck.drafts.map((draft) => draft.queue));
  const dialog = document.getElementById("publish-dialog");
  /** @type {DraftJson[]} */
  let drafts = [];
  const shown = show(dialog).then((found) => (drafts = found));
  const begun = await ask(dialog, () =>
    submit("/drafts/publish", { ids: drafts.map((draft) => draft.id) }),
  );
  await shown.catch(() => {});
  if (!begun) return;
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
  const ids = new Set(drafts.map((draft) => draft.id));
  decisions.forget(ids);
  await Promise.all(begun.tasks.map((task) => ended(task)));
  const changed = deck.drafts.filter((draft) => ids.has(draft.id));
  await Promise.all([refresh(), ...changed.map((draft) => draft.replace())]).catch(() => {});
}

/** @param {HTMLDialogElement} dialog @returns {Promise<DraftJson[]>} */
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
    const texts = `${drafts.length} ${drafts.length === 1 ? "text" : "texts"}`;
    heading.textContent = `${texts} to ${posts.size} ${posts.size === 1 ? "post" : "posts"}`;
    list.append(...[...posts.values()].map(item));
    list.hidden = !drafts.length;
    confirm.disabled = !drafts.length;
    return drafts;
  } catch (problem) {
    const error = dialog.querySelector("[data-dialog-error]");
    error.textContent = problem.message;
    error.hidden = false;
    return [];
  } finally {
    loading.hidden = true;
  }
}

async function approved() {
  const found = [];
  let cursor = null;
  do {
    const more = cursor ? `&cursor=${encodeURIComponent(cursor)}` : "";
    const page = await call("GET", `/drafts?status=approved&limit=${PAGE}${more}`);
    found.push(...page.drafts);
    cursor = page.next_cursor;
  } while (cursor);
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
      const line = document.createElement("li");
      const image = document.createElement("img");
      image.src = draft.picture.thumbnail_url;
      image.alt = "";
      image.loading = "lazy";
      const text = document.createElement("p");
      text.dir = "auto";
      text.textContent = draft.text;
      line.append(image, text);
      return line;
    }),
  );
  return element;
}
