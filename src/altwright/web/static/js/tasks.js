/** The history and a task's own page: keeps states current and queues what failed again. */

import { announce } from "./announce.js";
import { call, page } from "./api.js";
import { coalesced } from "./coalesced.js";
import { listen, take } from "./live.js";
import { followToReview } from "./navigation.js";
import { showBadge } from "./task-card.js";
import { showTasks } from "./task-cards.js";
import { localise } from "./times.js";
import { isActive, taskState } from "./words.js";

/** Milliseconds between two refreshes of a running task's lists; the first comes with the news. */
const REST_MS = 1000;
/** Milliseconds between two looks why a task waits: what is before it moves without news of it. */
const WAITING_MS = 5000;
const refresh = coalesced(fetchLists, REST_MS);

const list = document.querySelector("[data-task-list]");
const card = document.querySelector("[data-task-card]");
if (list) followList();
else if (card) followTask();
followToReview();
document.documentElement.dataset.ready = "";

function followList() {
  const rows = new Map();
  const known = () => {
    for (const row of list.querySelectorAll("[data-task-row]")) {
      const task = JSON.parse(row.dataset.taskRow);
      if (!rows.has(task.id)) take(task);
      rows.set(task.id, row);
    }
  };
  known();
  listen((task) => {
    const row = rows.get(task.id);
    if (!row && isActive(task) && "newest" in list.dataset) addNew(rows).then(known, () => {});
    if (!row) return;
    showBadge(row.querySelector("[data-badge]"), ...taskState(task));
    row.querySelector("[data-counts]").textContent = counts(task);
  });
}

/** Put tasks that began since above those in the list. @param {Map<string, Element>} rows */
async function addNew(rows) {
  const fresh = await page(location.href);
  const found = [...fresh.querySelectorAll("[data-task-row]")];
  for (const row of found.reverse()) {
    const { id } = JSON.parse(row.dataset.taskRow);
    if (rows.has(id)) continue;
    rows.set(id, row);
    localise(row);
    list.prepend(document.adoptNode(row));
  }
}

/** @param {import("./api.js").Task} task */
function counts({ items }) {
  if (items.total === null) return "";
  const parts = [`${items.done} of ${items.total} done`];
  if (items.skipped) parts.push(`${items.skipped} skipped`);
  if (items.failed) parts.push(`${items.failed} failed`);
  return parts.join(", ");
}

function followTask() {
  const shown = JSON.parse(card.dataset.task);
  let status = shown.status;
  showTasks(
    () => false,
    (task) => {
      if (task.id !== shown.id || task.progress.sequence <= shown.progress.sequence) return;
      const hasEnded = task.status !== status && !isActive(task);
      status = task.status;
      // The parts around the card, the failed task's among them, are the server's to word.
      if (hasEnded || document.querySelector("[data-requeue]")) reload();
      else refresh();
    },
  );
  setInterval(() => {
    if (status === "queued" && !document.hidden) refresh();
  }, WAITING_MS);
  document.querySelector("[data-requeue]")?.addEventListener("click", requeue);
}

async function fetchLists() {
  try {
    const fresh = await page(location.href);
    for (const id of ["waiting", "outcomes", "timeline"]) {
      const part = fresh.getElementById(id);
      if (!part) continue;
      localise(part);
      document.getElementById(id)?.replaceWith(document.adoptNode(part));
    }
  } catch {
    // The next change of the task brings the next refresh.
  }
}

/** Show the page anew where the reader is; a screen reader has heard of the end already. */
function reload() {
  setTimeout(() => location.reload(), 1500);
}

async function requeue(event) {
  const button = event.currentTarget;
  const error = document.querySelector("[data-requeue-error]");
  error.hidden = true;
  try {
    take(await call("POST", `/tasks/${button.dataset.requeue}/requeue`));
    announce("Queued again");
  } catch (problem) {
    error.textContent = problem.message;
    error.hidden = false;
  }
}
