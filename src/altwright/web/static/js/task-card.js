/** A task's card: shows how far it is, and cancels it. */

import { announce, tell } from "./announce.js";
import { call } from "./api.js";
import { take } from "./live.js";
import { isActive, kindTitle, resultLink, taskState } from "./words.js";

/** @typedef {import("./api.js").Task} Task */

/** Milliseconds between two announcements of progress, and the steps in percent they need. */
const ANNOUNCE_MS = 10_000;
const ANNOUNCE_PERCENT = 25;
/** Milliseconds over which the rate is measured, and after which it is worth saying. */
const RATE_MS = 60_000;
const RATE_KNOWN_MS = 6000;

export class TaskCard {
  /** @param {HTMLElement} element made by the task_card macro */
  constructor(element) {
    this.element = element;
    /** @type {Task|null} */
    this.task = null;
    /** @type {{at: number, finished: number}[]} */
    this.samples = [];
    this.announcedAt = 0;
    this.announcedPercent = 0;
    this.part("cancel")?.addEventListener("click", () => this.cancel());
  }

  /** @param {string} name @returns {HTMLElement|null} */
  part(name) {
    return this.element.querySelector(`[data-${name}]`);
  }

  /** @param {Task} task */
  show(task) {
    const before = this.task;
    this.task = task;
    const { items, progress } = task;
    const active = isActive(task);
    this.element.hidden = false;
    this.element.setAttribute("aria-label", kindTitle(task.kind));
    const title = this.part("title"); // missing on the task's own page, whose heading says it
    if (title) title.textContent = kindTitle(task.kind);
    showBadge(this.part("badge"), ...taskState(task));
    this.part("step").textContent = step(task);
    this.part("bar").hidden = !active;
    this.showBar(items.total === null ? null : progress.percent);
    this.part("tally").hidden = items.total === null;
    for (const name of ["done", "skipped", "failed", "total"]) {
      this.part(name).textContent = (items[name] ?? 0).toLocaleString("en");
    }
    this.showRate();
    this.part("error").hidden = !task.error;
    this.part("error").textContent = task.error?.message ?? "";
    this.part("details")?.setAttribute("href", `/tasks/${task.id}`);
    this.showResult();
    this.showCancel();
    this.announce(before);
  }

  /** @param {number|null} percent null: it isn't known how much there is to do */
  showBar(percent) {
    const bar = this.element.querySelector("progress");
    if (percent === null) bar.removeAttribute("value");
    else bar.value = percent;
    this.part("percent").textContent = percent === null ? "" : `${percent} %`;
  }

  showCancel() {
    const cancel = this.part("cancel");
    if (!cancel) return; // who may only look has none
    const { cancel_requested: isAsked } = this.task;
    cancel.hidden = !isActive(this.task);
    cancel.textContent = isAsked ? "Cancelling …" : "Cancel";
    cancel.setAttribute("aria-disabled", String(isAsked));
  }

  showResult() {
    const found = resultLink(this.task);
    const link = this.part("result");
    link.hidden = !found;
    if (!found) return;
    link.textContent = found.text;
    link.setAttribute("href", found.href);
  }

  showRate() {
    const { items } = this.task;
    const finished = items.done + items.failed + items.skipped;
    const now = Date.now();
    if (this.samples.at(-1)?.finished !== finished) this.samples.push({ at: now, finished });
    this.samples = this.samples.filter((one) => now - one.at < RATE_MS);
    const first = this.samples[0];
    const isLong = first && now - first.at >= RATE_KNOWN_MS;
    const perMs = isLong ? (finished - first.finished) / (now - first.at) : 0;
    const isKnown = isActive(this.task) && perMs > 0 && items.total !== null;
    this.part("rate-row").hidden = this.part("left-row").hidden = !isKnown;
    if (!isKnown) return;
    this.part("rate").textContent = String(Math.max(1, Math.round(perMs * 60_000)));
    this.part("left").textContent = duration((items.total - finished) / perMs / 1000);
  }

  /** @param {Task|null} before */
  announce(before) {
    if (!before) return;
    const { status, progress, items } = this.task;
    const title = kindTitle(this.task.kind);
    if (status !== before.status) {
      const how = isActive(this.task) ? "" : (this.task.error?.message ?? step(this.task));
      announce(`${title}: ${taskState(this.task)[1]}. ${how}`.trim());
      return;
    }
    const isDue = Date.now() - this.announcedAt > ANNOUNCE_MS;
    if (!isDue || progress.percent - this.announcedPercent < ANNOUNCE_PERCENT) return;
    this.announcedAt = Date.now();
    this.announcedPercent = progress.percent;
    const finished = items.done + items.failed + items.skipped;
    announce(`${title}: ${finished} of ${items.total}, ${progress.percent} percent.`);
  }

  async cancel() {
    if (!this.task || this.task.cancel_requested) return;
    try {
      take(await call("POST", `/tasks/${this.task.id}/cancel`));
    } catch (problem) {
      tell(problem.message, { problem: true });
    }
  }
}

/** @param {Task} task */
function step(task) {
  if (task.status === "queued" && !task.progress.step) return "Waiting for its turn.";
  return task.progress.step;
}

/** @param {HTMLElement} place @param {string} status @param {string} words */
export function showBadge(place, status, words) {
  const badge = place.querySelector(".badge") ?? place.appendChild(emptyBadge());
  badge.className = `badge badge--${status}`;
  const use = badge.querySelector("use");
  const sprite = (document.querySelector("use")?.getAttribute("href") ?? "").split("#")[0];
  use?.setAttribute("href", `${sprite}#state-${status}`);
  badge.querySelector("[data-words]").textContent = words;
}

function emptyBadge() {
  const badge = document.createElement("span");
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon badge__icon");
  svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS("http://www.w3.org/2000/svg", "use"));
  const words = document.createElement("span");
  words.dataset.words = "";
  badge.append(svg, words);
  return badge;
}

/** @param {number} seconds */
function duration(seconds) {
  if (seconds < 60) return "under a minute";
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 60) return `about ${minutes} min`;
  return `about ${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
