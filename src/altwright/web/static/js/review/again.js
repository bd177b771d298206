/** Has a picture described again, with a hint from the person who knows it. */

import { tell } from "../announce.js";
import { call, submit } from "../api.js";
import { ask } from "../dialogs.js";
import { ended } from "../live.js";
import { refresh } from "./counts.js";

/**
 * @param {import("./draft.js").Draft} draft
 * @param {(before: import("../api.js").DraftJson) => void} replaced told of the draft whose text
 *   another one has replaced
 */
export async function describeAgain(draft, replaced) {
  if (!draft.isOpen) return;
  if (draft.status === "approved") {
    return tell("This text is approved. Take it back to review first.", { problem: true });
  }
  try {
    await draft.saver.mustSave(); // so that Undo brings it back
  } catch (problem) {
    return tell(problem.message, { problem: true });
  }
  const dialog = document.getElementById("again-dialog");
  const field = dialog.querySelector("textarea");
  if (field) field.value = "";
  const isWritten = draft.text !== draft.data.described_text;
  dialog.querySelector("[data-again-written]").hidden = !isWritten;
  dialog.querySelector("[data-again-described]").hidden = isWritten;
  if (!(await ask(dialog))) return;
  const hint = field?.value.trim() ?? "";
  const before = draft.data;
  draft.showBusy("Describing again …");
  draft.textarea.readOnly = true;
  try {
    const task = await ended(await submit(`/drafts/${draft.id}/describe`, { hint }));
    if (task.status !== "completed" || !task.items.done) {
      const { items } = await call("GET", `/tasks/${task.id}/items`);
      const why = task.error?.message ?? items[0]?.reason ?? "";
      tell(`The picture keeps its text. ${why}`.trim(), { problem: true });
    }
    await draft.replace();
    if (task.status === "completed" && task.items.done) {
      const isSame = draft.data.text === before.text;
      if (!isSame) replaced(before);
      draft.offer(hint);
      const words = isSame ? "The text stayed the same." : "The picture has a new text. Undo brings the former one back.";
      tell(hint ? `${words} You can remember the hint for the account.` : words);
    }
    await refresh();
  } catch (problem) {
    tell(problem.message, { problem: true });
  } finally {
    draft.showBusy("");
    if (draft.textarea) draft.textarea.readOnly = false;
  }
}

/**
 * Keep the hint of the last description for all pictures of the account.
 * @param {import("./draft.js").Draft} draft
 */
export async function remember(draft) {
  const text = draft.hint;
  if (!text) return;
  try {
    await call("POST", `/accounts/${draft.data.account_id}/names`, { text });
    forget(draft);
    tell("Remembered. Pictures of this account that are described from now on go by it.");
  } catch (problem) {
    tell([problem.message, problem.fields?.names].filter(Boolean).join(" "), { problem: true });
  }
}

/** @param {import("./draft.js").Draft} draft */
export function forget(draft) {
  const had = draft.part("remember")?.contains(document.activeElement);
  draft.offer("");
  if (had) draft.card.focus({ preventScroll: true });
}
