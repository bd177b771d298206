/** Dialogs that ask before something is done. */

import { tell } from "./announce.js";

/** What each dialog was asked last: its "close" comes a moment after it is hidden. */
const asked = new WeakMap();

/**
 * Open a dialog and return what was answered; focus goes back to where it was.
 * @param {HTMLDialogElement} dialog
 * @param {() => Promise<any>} [act] done on "confirm" before it closes; its failure is shown inside
 * @returns {Promise<any>} null when it was left; else what ``act`` gave, or true
 */
export async function ask(dialog, act = async () => true) {
  if (dialog.open) return null;
  await asked.get(dialog);
  const answer = answered(dialog, act);
  asked.set(dialog, answer);
  return answer;
}

/** @param {HTMLDialogElement} dialog @param {() => Promise<any>} act @returns {Promise<any>} */
function answered(dialog, act) {
  const error = dialog.querySelector("[data-dialog-error]");
  if (error) error.hidden = true;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    let answer = null;
    let acting = Promise.resolve();
    const form = dialog.querySelector("form");
    const confirmed = async (button) => {
      button.disabled = true;
      form.setAttribute("aria-busy", "true");
      try {
        answer = (await act()) ?? true;
        dialog.close("confirm");
      } catch (problem) {
        if (error) {
          error.textContent = problem.message;
          error.hidden = false;
        }
        if (!dialog.open) tell(problem.message, { problem: true });
      } finally {
        button.disabled = false;
        form.removeAttribute("aria-busy");
      }
    };
    const submitted = (event) => {
      if (event.submitter?.value !== "confirm") return;
      event.preventDefault();
      if (!event.submitter.disabled) acting = confirmed(event.submitter);
    };
    form.addEventListener("submit", submitted);
    dialog.addEventListener(
      "close",
      () => {
        form.removeEventListener("submit", submitted);
        // Who leaves it while it is done hears all the same what has come of it.
        acting.then(() => resolve(answer));
      },
      { once: true },
    );
  });
}
