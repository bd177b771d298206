/** Copies what stands beside a button; where the clipboard is closed to pages, it is selected. */

import { tell } from "./announce.js";

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", () => copy(document.getElementById(button.dataset.copy)));
}
document.documentElement.dataset.ready = "";

/** @param {HTMLElement} source */
async function copy(source) {
  try {
    await navigator.clipboard.writeText(source.textContent);
    tell("Copied.");
  } catch {
    // Refused, or an address without https, where browsers have no such thing.
    getSelection().selectAllChildren(source);
    tell(document.execCommand?.("copy") ? "Copied." : "Selected: copy it with Ctrl+C, or ⌘C.");
  }
}
