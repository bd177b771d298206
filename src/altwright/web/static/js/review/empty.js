/** What a review page without drafts says while a run goes on, and once drafts have come. */

const end = document.querySelector("[data-end]");
const title = end.querySelector("h2");
const said = title.textContent;
let isRunning = end.querySelector("[data-running]:not([hidden])") !== null;
let haveCome = false;

/** @param {{running?: boolean, come?: boolean}} news whether a run goes on; whether drafts wait to be shown */
export function showEmpty({ running = isRunning, come = haveCome }) {
  [isRunning, haveCome] = [running, come];
  title.textContent = come ? "Drafts are here" : said;
  for (const one of end.querySelectorAll("[data-running]")) one.hidden = come || !running;
  for (const one of end.querySelectorAll("[data-idle]")) one.hidden = come || running;
}
