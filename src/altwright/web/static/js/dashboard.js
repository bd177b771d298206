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
const stale = document.querySelector("[data-stale]");
let updatedAt = new Date();
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
    showAge();
    return; // what is shown stays; the next look asks again
  }
  if (!fresh.getElementById("tiles")) return location.reload(); // the session is over: sign in
  updatedAt = new Date();
  stale.hidden = true;
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

/** Say that the numbers are old: nobody may take them for how it is. */
function showAge() {
  if (!stale.hidden) return;
  const at = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" }).format(updatedAt);
  stale.hidden = false;
  stale.querySelector("span").textContent = `Altwright doesn't answer. These numbers are of ${at}.`;
}
