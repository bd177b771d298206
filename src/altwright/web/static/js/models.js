/** The page of vision models: shows how far a download is, and the page anew once it has ended. */

import { page } from "./api.js";

/** Milliseconds between two looks. */
const LOOK_MS = 2000;

async function look() {
  const shown = document.querySelector("[data-progress]");
  if (!shown?.querySelector("[data-active]")) return;
  try {
    const now = (await page(location.pathname)).querySelector("[data-progress]");
    if (!now?.querySelector("[data-active]")) {
      location.reload();
      return;
    }
    shown.replaceChildren(...now.childNodes);
  } catch {
    // The service is away for a moment; the next look may find it.
  }
  setTimeout(look, LOOK_MS);
}

setTimeout(look, LOOK_MS);
