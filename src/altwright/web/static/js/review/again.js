/** Has a picture described again, with a hint from the person who knows it. */

import { tell } from "../announce.js";
import { submit } from "../api.js";
import { ask } from "../dialogs.js";
import { ended } from "../live.js";
import { refresh } from "./counts.js";

/** @param {import("./draft.js").Draft} draft */
export async function describeAgain(draft) {
  if (!draft.isOpen) return;
  if (draft.status === "approved") {
    return tell("This text is approved. Take it back to review first.", { problem: true });
  }
  const dialog = document.getElementById("again-dialog");
  const field = dialog.querySelector("textarea");
  field.value = "";
  if (!(await ask(dialog))) return;
  const hint = field.value.trim();
  await draft.saver.save();
  draft.showBusy("Describing again …");
  draft.textarea.readOnly = true;
  try {
    const task = await ended(await submit(`/drafts/${draft.id}/describe`, { hint }));
    if (task.status !== "completed" || !task.items.done) {
      const why = task.error?.message ?? task.progress.step;
      tell(`The picture keeps its text. ${why}`.trim(), { problem: true });
    } else tell("The picture has a new text.");
    await draft.replace();
    await refresh();
  } catch (problem) {
    tell(problem.message, { problem: true });
  } finally {
    draft.showBusy("");
    if (draft.textarea) draft.textarea.readOnly = false;
  }
}
