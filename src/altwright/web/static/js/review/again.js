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
      tell(isSame ? "The text stayed the same." : "The picture has a new text. Undo brings the former one back.");
    }
    await refresh();
  } catch (problem) {
    tell(problem.message, { problem: true });
  } finally {
    draft.showBusy("");
    if (draft.textarea) draft.textarea.readOnly = false;
  }
}
