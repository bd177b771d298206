/**
 * A page that fetches itself anew: of its live parts, what has changed is put in its place, and
 * nothing is taken away from under a person's keyboard, pointer or selection.
 */

import { announce } from "./announce.js";
import { page } from "./api.js";
import { localise } from "./times.js";

/** Milliseconds between two refreshes. */
const EVERY_MS = 5000;

/**
 * Keep the page's [data-live] parts as the server has them; whose [data-told] changes is announced.
 * @param {() => void} [shown] called after each refresh
 */
export function refreshed(shown = () => {}) {
  const pause = document.querySelector("[data-pause]");
  const stale = document.querySelector("[data-stale]");
  let updatedAt = new Date();
  let isBusy = false;

  pause.addEventListener("click", () => {
    const isPaused = pause.getAttribute("aria-pressed") !== "true";
    pause.setAttribute("aria-pressed", String(isPaused));
    if (!isPaused) refresh();
  });
  setInterval(refresh, EVERY_MS);
  document.addEventListener("visibilitychange", refresh);
  document.documentElement.dataset.ready = "";

  async function refresh() {
    if (isBusy || document.hidden || pause.getAttribute("aria-pressed") === "true") return;
    isBusy = true;
    let fresh;
    try {
      fresh = await page(location.href);
    } catch (problem) {
      if (!problem.isPassing) return location.reload(); // it isn't there any more, and that page says so
      return showAge(); // what is shown stays; the next look asks again
    } finally {
      isBusy = false;
    }
    // The session is over: sign in.
    if (!fresh.querySelector("[data-administration]")) return location.reload();
    updatedAt = new Date();
    stale.hidden = true;
    take(fresh);
    shown();
  }

  /** Say that the numbers are old: nobody may take them for how it is. */
  function showAge() {
    if (!stale.hidden) return;
    const at = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" }).format(updatedAt);
    stale.hidden = false;
    stale.querySelector("span").textContent = `Altwright doesn't answer. These numbers are of ${at}.`;
  }
}

/** @param {Document} fresh */
function take(fresh) {
  const token = fresh.querySelector('meta[name="csrf-token"]').getAttribute("content");
  document.querySelector('meta[name="csrf-token"]').setAttribute("content", token);
  for (const field of document.querySelectorAll('input[name="csrf_token"]')) field.setAttribute("value", token);
  document.title = fresh.title;
  const before = told();
  for (const part of document.querySelectorAll("[data-live]")) {
    const newer = fresh.getElementById(part.id);
    if (!newer) continue;
    localise(newer);
    update(part, newer);
  }
  const news = [...told()].filter(([id, words]) => words && words !== before.get(id));
  if (news.length) announce(news.map(([, words]) => words).join(" "));
}

/** What is announced when it changes, by the ids of what carries it. @returns {Map<string, string>} */
function told() {
  return new Map([...document.querySelectorAll("[data-told]")].map((one) => [one.id, one.dataset.told]));
}

/** What tells a row or a card from its neighbours. @param {Node} node */
const key = (node) => (node instanceof Element ? node.id || node.getAttribute("aria-labelledby") : "");

/** @param {Node} one @param {Node} other */
const isSame = (one, other) => one.nodeName === other.nodeName && key(one) === key(other);

/** Whether a person is at it with the keyboard or the pointer, has selected of it or typed there. */
function isInUse(node) {
  const selection = getSelection();
  if (selection && !selection.isCollapsed && node.contains(selection.anchorNode)) return true;
  if (!(node instanceof Element)) return false;
  const fields = [node, ...node.querySelectorAll("input, select, textarea")];
  return node.matches(":focus, :focus-within, :hover") || fields.some(isChanged);
}

/** @param {Element} field */
function isChanged(field) {
  if (field instanceof HTMLSelectElement) {
    const chosen = [...field.options].findIndex((one) => one.defaultSelected);
    return field.selectedIndex !== Math.max(chosen, 0);
  }
  return "defaultValue" in field && field.value !== field.defaultValue;
}

/** Make a node what a newer one is, as far as nobody is at it. @param {Node} now @param {Node} newer */
function update(now, newer) {
  if (now.isEqualNode(newer)) return;
  if (!(now instanceof Element)) {
    if (!isInUse(now)) now.textContent = newer.textContent;
    return;
  }
  // A button that does something else now, or a field with another value, stays until they are off.
  if (now.matches("form") && isInUse(now)) return;
  for (const { name } of [...now.attributes]) {
    if (!newer.hasAttribute(name) && name !== "open") now.removeAttribute(name);
  }
  for (const { name, value } of newer.attributes) {
    if (now.getAttribute(name) !== value) now.setAttribute(name, value);
  }
  updateChildren(now, newer);
}

/** @param {Element} now @param {Element} newer */
function updateChildren(now, newer) {
  const wanted = [...newer.childNodes];
  for (const child of [...now.childNodes]) {
    if (key(child) && !wanted.some((one) => isSame(one, child)) && !isInUse(child)) child.remove();
  }
  let next = now.firstChild;
  for (const child of wanted) {
    const keyed = key(child) ? [...now.childNodes].find((one) => isSame(one, child)) : null;
    const there = keyed ?? (next && isSame(next, child) ? next : null);
    if (!there) {
      now.insertBefore(document.adoptNode(child), next);
      continue;
    }
    if (there !== next) now.insertBefore(there, next);
    update(there, child);
    next = there.nextSibling;
  }
  while (next) {
    const after = next.nextSibling;
    if (!isInUse(next)) next.remove();
    next = after;
  }
}
