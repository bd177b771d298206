/** The number of drafts to review that the navigation shows. */

import { call } from "./api.js";
import { coalesced } from "./coalesced.js";
import { listen, listenToDrafts } from "./live.js";

/** Milliseconds between two counts; the first comes with the news. */
const REST_MS = 1000;

/** @param {number} count */
export function showToReview(count) {
  const place = document.querySelector("[data-to-review]");
  if (!place) return;
  place.firstChild.textContent = count.toLocaleString("en");
  place.hidden = count <= 0;
}

/** Keep it current on a page that counts nothing else. */
export function followToReview() {
  /** @type {Map<string, string>} how each task stood when it was heard of last */
  const known = new Map();
  const recount = coalesced(async () => {
    showToReview((await call("GET", "/drafts?limit=1")).counts.draft);
  }, REST_MS);
  listen(({ id, status, items }) => {
    const now = `${status} ${items.done}`;
    if (known.get(id) !== now) recount();
    known.set(id, now);
  });
  listenToDrafts(recount);
}
