/** The dashboard: fetches itself anew, and draws each chart from its own table. */

import { page } from "./api.js";
import { drawCharts } from "./charts.js";
import { localise } from "./times.js";

/** Milliseconds between two refreshes. */
const EVERY_MS = 5000;

const pause = document.querySelector("[data-pause]");
pause.addEventListener("click", () => {
  const isPaused = pause.getAttribute("aria-pressed") !== "true";
  pause.setAttribute("aria-pressed", String(isPaused));
  if (!isPaused) refresh();
});
const redraw = drawCharts();
setInterval(refresh, EVERY_MS);
document.addEventListener("visibilitychange", refresh);
document.documentElement.dataset.ready = "";

async function refresh() {
  if (document.hidden || pause.getAttribute("aria-pressed") === "true") return;
  let fresh;
  try {
    fresh = await page(location.href);
  } catch {
    return; // what is shown stays; the next look asks again
  }
  for (const part of document.querySelectorAll("[data-live]")) {
    const newer = fresh.getElementById(part.id);
    if (!newer) continue;
    localise(newer);
    // Where somebody is with the keyboard, nothing is taken away under them.
    if (newer.textContent === part.textContent || part.contains(document.activeElement)) continue;
    part.replaceChildren(...newer.childNodes);
  }
  redraw();
}
