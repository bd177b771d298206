/** How many drafts are in each state, wherever the page shows it. */

import { call } from "../api.js";
import { showToReview } from "../navigation.js";
import { narrowed } from "./narrowed.js";

const main = document.getElementById("main");
/** Whether the page shows less than all drafts of its states, so that its counts are others. */
const isNarrowed = "narrowed" in main.dataset;
/** @type {Object<string, number>} of what the page is narrowed to */
let counts = JSON.parse(main.dataset.counts);
/** Pictures with a text from here: more than the drafts in that state, some are described again. */
let published = Number(main.dataset.published);
/** Drafts to review of all there are, as the navigation shows them. */
let waiting = Number(main.dataset.waiting);
/** @type {Object<string, string[]>} the states whose drafts each tab counts */
const OF_TAB = JSON.parse(main.dataset.views);

/** @param {string} from @param {string} to */
export function moved(from, to) {
  if (from === to) return;
  counts[from] -= 1;
  counts[to] += 1;
  waiting += Number(to === "draft") - Number(from === "draft");
  show();
}

/** @returns {number} how many drafts wait for a reviewer */
export function toReview() {
  return waiting;
}

/** @param {string} view @returns {number} how many drafts a tab has */
export function inView(view) {
  return OF_TAB[view].reduce((all, name) => all + counts[name], view === "published" ? published : 0);
}

export async function refresh() {
  await take(await call("GET", "/drafts?limit=1"));
}

/** @param {{counts: Object<string, number>, published_pictures: number}} said a list of drafts */
export async function take(said) {
  waiting = said.counts.draft;
  if (isNarrowed) said = await call("GET", `/drafts/counts?${new URLSearchParams(narrowed())}`);
  counts = said.counts;
  published = said.published_pictures;
  show();
}

/**
 * Take the numbers that came with the first cards of a page.
 * @param {{counts: Object<string, number>, published: number, waiting: number}} said
 */
export function takeNumbers(said) {
  ({ counts, published, waiting } = said);
  show();
}

/** @param {string} status @returns {number} how many drafts are in a state, of what the page shows */
export function inState(status) {
  return counts[status];
}

function show() {
  for (const place of document.querySelectorAll("[data-tab-count]")) {
    place.textContent = inView(place.dataset.tabCount).toLocaleString("en");
  }
  showToReview(waiting);
  for (const button of document.querySelectorAll("[data-skip-these]")) {
    button.hidden = counts.draft <= 0;
    button.querySelector("[data-words]").textContent = `Skip all ${counts.draft.toLocaleString("en")} …`;
  }
  for (const button of document.querySelectorAll("[data-publish]")) {
    button.hidden = counts.approved <= 0;
    button.querySelector("[data-words]").textContent = `Publish ${counts.approved.toLocaleString("en")}`;
  }
}
