/** Tells people what has happened: to screen readers politely, to eyes as a short note. */

const live = document.getElementById("live");
const note = document.getElementById("toast");
/** Milliseconds that a note stays; long enough to read ten words twice. */
const NOTE_MS = 6000;
/** Milliseconds after which a screen reader takes the same words as new. */
const GAP_MS = 60;
let hiding = 0;
let speaking = 0;

/** @param {string} words */
export function announce(words) {
  if (!live) return;
  live.textContent = "";
  clearTimeout(speaking);
  speaking = setTimeout(() => (live.textContent = words), GAP_MS);
}

/**
 * Show a note and announce it; it takes no focus and hides nothing that has it.
 * @param {string} words
 * @param {{problem?: boolean, undo?: () => void}} [how] undo: what a button in it does
 */
export function tell(words, how = {}) {
  announce(words);
  if (!note) return;
  note.textContent = words;
  if (how.undo) note.append(undoing(how.undo));
  note.classList.toggle("toast--problem", Boolean(how.problem));
  note.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => (note.hidden = true), NOTE_MS);
}

/** @param {() => void} undo @returns {HTMLButtonElement} */
function undoing(undo) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "toast__undo";
  button.textContent = "Undo";
  button.addEventListener("click", () => {
    note.hidden = true;
    undo();
  });
  return button;
}
