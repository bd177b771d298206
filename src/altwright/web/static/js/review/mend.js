/** Mends what there is to look at in a text, one thing after the other, by one key. */

import { announce, tell } from "../announce.js";
import { call } from "../api.js";

/**
 * @param {import("./draft.js").Draft} draft
 * @param {string} [code] the warning's; the first one, if none is named
 * @param {{again: () => void, write: () => void, undo: () => void, replaced: (before: object) => void}} hands
 *   describes the picture again; goes into the text; takes the last step back; is told of the draft as it was
 */
export async function mend(draft, code, { again, write, undo, replaced }) {
  if (!draft.isOpen || draft.isBusy) return;
  try {
    await draft.saver.mustSave(); // what is said of a text is about the one that is saved
  } catch (problem) {
    return tell(problem.message, { problem: true });
  }
  const { warnings } = draft.data;
  const warning = warnings.find((one) => one.code === code) ?? (code ? undefined : warnings[0]);
  if (!warning) return tell("There is nothing to mend in this text.");
  if (warning.remedy === "describe") return again();
  if (warning.remedy === "write") {
    write();
    return announce(warning.message);
  }
  const had = draft.card.contains(document.activeElement);
  const before = draft.data;
  try {
    // By the server: what nobody has written stays as sure or unsure as it was.
    await draft.after(async () => {
      const body = { code: warning.code, version: before.version };
      draft.meet(await call("POST", `/drafts/${draft.id}/mend`, body));
    });
  } catch (problem) {
    return tell(problem.message, { problem: true });
  }
  replaced(before);
  if (had) draft.card.focus({ preventScroll: true }); // the button is gone
  const left = draft.data.warnings.length;
  tell(`Mended.${left ? ` ${left} more to look at.` : ""}`, { undo });
}
