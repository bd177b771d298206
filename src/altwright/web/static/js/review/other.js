/** Asks another describer for a text, and lets a person choose between it and the one that is there. */

import { announce, tell } from "../announce.js";
import { call, submit } from "../api.js";
import { ended } from "../live.js";
import { describerTitle, isActive } from "../words.js";
import { areOn } from "./keys.js";
import { origin, restore, textsOf } from "./texts.js";

/** @type {string[]} the describers, in the order in which they are asked */
const describers = JSON.parse(document.getElementById("main").dataset.describers);

/**
 * @param {import("./draft.js").Draft} draft
 * @param {(before: import("../api.js").DraftJson) => void} replaced told of the draft whose text
 *   another one has replaced
 */
export async function askOther(draft, replaced) {
  const dialog = document.getElementById("other-dialog");
  if (!dialog || !draft.isOpen) return;
  if (draft.status === "approved") {
    return tell("This text is approved. Take it back to review first.", { problem: true });
  }
  const describer = describers[(describers.indexOf(draft.data.describer) + 1) % describers.length];
  const name = describerTitle(describer);
  showFailure(draft, "");
  try {
    await draft.saver.mustSave();
    draft.showBusy(`Asking ${name} …`);
    const task = await ended(await submit(`/drafts/${draft.id}/describe`, { describer }), isOver);
    if (task.status !== "completed" || !task.items.done) {
      return showFailure(draft, `No text from ${name}. ${await whyNot(task)}`.trim());
    }
    const texts = await textsOf(draft);
    const other = texts.find((one) => one.kind === "described" && one.describer === describer);
    if (!other || other.text === draft.text) return tell("The other describer says the same.");
    const now = texts.find((one) => one.is_current);
    const words = [now ? origin(now) : "The text now", draft.text || "No text yet", draft.data.language];
    // Where there is no text yet, nothing is to choose.
    if (draft.text && (await chosen(dialog, words, [origin(other), other.text, other.language])) !== "2") {
      return tell("The text stays. The other one is among the former texts (T).");
    }
    const before = draft.data;
    await restore(draft, other.id);
    replaced(before);
    tell("The other text is here now. Undo brings the former one back.");
  } catch (problem) {
    showFailure(draft, `No text from ${name}. ${problem.message}`);
  } finally {
    draft.showBusy("");
  }
}

/** Whether nothing more comes of a task for now: it waits for a describer that is away. */
const isOver = (task) => !isActive(task) || (task.status === "queued" && task.error !== null);

/** Return why a task has brought no text; one that waits is ended, since a person doesn't. */
async function whyNot(task) {
  if (isActive(task)) await call("POST", `/tasks/${task.id}/cancel`).catch(() => {});
  if (task.error) return task.error.message;
  const { items } = await call("GET", `/tasks/${task.id}/items`);
  return items[0]?.reason ?? "";
}

/** Say on the card that no text came, beside a button that asks again. @param {string} words "": it is well */
function showFailure(draft, words) {
  const notice = draft.part("no-other");
  if (notice) {
    notice.hidden = !words;
    notice.querySelector("[data-words]").textContent = words;
  }
  if (!words) return;
  // Whoever is at another card meanwhile sees a note.
  if ("current" in draft.element.dataset) announce(words);
  else tell(words, { problem: true });
}

/**
 * @param {HTMLDialogElement} dialog @param {string[][]} both origin, words and language of each
 * @returns {Promise<string>} "1", "2", or "" for none
 */
function chosen(dialog, ...both) {
  const parts = [...dialog.querySelectorAll(".beside__one")];
  for (const [at, [name, words, language]] of both.entries()) {
    const place = parts[at].querySelector("[data-words]");
    parts[at].querySelector("[data-origin]").textContent = name;
    place.textContent = words;
    place.lang = language;
  }
  dialog.returnValue = "";
  dialog.onkeydown = (event) => {
    if (!areOn() || event.ctrlKey || event.metaKey || event.altKey || !["1", "2"].includes(event.key)) return;
    event.preventDefault();
    dialog.close(event.key);
  };
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
    dialog.showModal();
  });
}
