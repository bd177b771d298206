/** Single-key shortcuts; a person can switch them off, and the browser remembers it. */

const REMEMBERED = "altwright.shortcuts";
let wasShortcut = false;

/** Return whether the last thing that a person did was to press such a key: the next one may be another. */
export const byShortcut = () => wasShortcut;

/** @param {Object<string, (event: KeyboardEvent) => void>} actions by key; "A" is Shift and a */
export function bindKeys(actions) {
  document.addEventListener("pointerdown", () => (wasShortcut = false), { capture: true });
  document.addEventListener("keydown", () => (wasShortcut = false), { capture: true });
  document.addEventListener("keydown", (event) => {
    if (!areOn() || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.isComposing || document.querySelector("dialog[open]") || isField(event.target)) return;
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    wasShortcut = true;
    action(event);
  });
}

/** Set up the switch in the sheet of shortcuts. @param {HTMLInputElement} toggle */
export function bindSwitch(toggle) {
  const show = () => document.documentElement.toggleAttribute("data-no-shortcuts", !areOn());
  toggle.checked = areOn();
  toggle.addEventListener("change", () => {
    try {
      localStorage.setItem(REMEMBERED, toggle.checked ? "on" : "off");
    } catch {
      // Not remembered; the attribute below serves this page.
    }
    document.documentElement.toggleAttribute("data-no-shortcuts", !toggle.checked);
  });
  show();
}

/** Return whether single-key shortcuts are on (WCAG 2.1.4). */
export function areOn() {
  try {
    const kept = localStorage.getItem(REMEMBERED);
    if (kept) return kept === "on";
  } catch {
    // Storage is forbidden.
  }
  return !document.documentElement.hasAttribute("data-no-shortcuts");
}

/** @param {EventTarget|null} target */
function isField(target) {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.matches("textarea, select, input:not([type=checkbox])"))
  );
}
