/** How many drafts are in each state, wherever the page shows it. */

import { call } from "../api.js";
import { showToReview } from "../navigation.js";

const main = document.getElementById("main");
/** @type {Object<string, number>} */
let counts = JSON.parse(main.dataset.counts);
/** Pictures with a text from here: more than the drafts in that state, some are described again. */
let published = Number(main.dataset.published);
/** @type {Object<string, string[]>} the states whose drafts each tab counts */
const OF_TAB = JSON.parse(main.dataset.views);

/** @param {string} from @param {string} to */
export function moved(from, to) {
  if (from === to) return;
  counts[from] -= 1;
  counts[to] += 1;
  show();
}

/** @returns {number} how many drafts wait for a reviewer */
export function toReview() {
  return counts.draft;
}

export async function refresh() {
  take(await call("GET", "/drafts?limit=1"));
}

/** @param {{counts: Object<string, number>, published_pictures: number}} said a list of drafts */
export function take(said) {
  counts = said.counts;
  published = said.published_pictures;
  show();
}

function show() {
  for (const place of document.querySelectorAll("[data-tab-count]")) {
    const tab = place.dataset.tabCount;
    const sum = OF_TAB[tab].reduce((all, name) => all + counts[name], tab === "published" ? published : 0);
    place.textContent = sum.toLocaleString("en");
  }
  showToReview(counts.draft);
  for (const button of document.querySelectorAll("[data-publish]")) {
    button.hidden = counts.approved <= 0;
    button.querySelector("[data-words]").textContent = `Publish ${counts.approved.toLocaleString("en")}`;
  }
}
