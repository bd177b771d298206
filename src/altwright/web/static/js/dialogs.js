/** Dialogs that ask before something is done. */

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
    const form = dialog.querySelector("form");
    const submitted = async (event) => {
      if (event.submitter?.value !== "confirm") return;
      event.preventDefault();
      if (event.submitter.disabled) return;
      event.submitter.disabled = true;
      try {
        answer = (await act()) ?? true;
        dialog.close("confirm");
      } catch (problem) {
        if (error) {
          error.textContent = problem.message;
          error.hidden = false;
        }
      } finally {
        event.submitter.disabled = false;
      }
    };
    form.addEventListener("submit", submitted);
    dialog.addEventListener(
      "close",
      () => {
        form.removeEventListener("submit", submitted);
        resolve(answer);
      },
      { once: true },
    );
  });
}
