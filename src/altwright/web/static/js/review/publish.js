/** Publishes what is approved, after showing it. */

import { announce, tell } from "../announce.js";
import { call, submit } from "../api.js";
import { ask } from "../dialogs.js";
import { ended, take } from "../live.js";
import { add } from "../task-cards.js";
import { refresh } from "./counts.js";
import { Preview } from "./preview.js";

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
  const preview = new Preview(dialog);
  const shown = preview.open();
  const begun = await ask(dialog, () => {
    chosen = preview.chosen;
    return submit("/drafts/publish", { ids: chosen });
  });
  await shown;
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
