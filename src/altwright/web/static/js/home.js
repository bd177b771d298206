/** The home page: starts a run and follows it. */

import { announce } from "./announce.js";
import { call, submit } from "./api.js";
import { coalesced } from "./coalesced.js";
import { listenToDrafts, take } from "./live.js";
import { showTasks } from "./task-cards.js";
import { hasCard, isActive } from "./words.js";

const start = document.querySelector("[data-start]");
const form = document.querySelector("[data-start-form]");
const error = document.querySelector("[data-start-error]");
/** @type {Set<string>} ids of active runs */
const describing = new Set();
/** @type {Set<string>} ids of tasks whose end changes the counts on this page */
const active = new Set();
/** Milliseconds between two counts; the first comes with the news. */
const REST_MS = 250;
/** @type {Map<string, number>} items that each run had done at the last count */
const followed = new Map();
const recount = coalesced(count, REST_MS);

listenToDrafts(recount);
showTasks(
  (task) => hasCard(task.kind),
  (task) => {
    if (isActive(task)) {
      active.add(task.id);
      follow(task);
    } else if (active.delete(task.id)) recount();
    if (task.kind !== start?.dataset.start) return;
    if (isActive(task)) describing.add(task.id);
    else describing.delete(task.id);
    start.hidden = describing.size > 0;
  },
);

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("[type=submit]");
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  error.hidden = true;
  announce("Starting");
  try {
    take(await submit("/tasks", request(new FormData(form))));
    focusCard();
  } catch (problem) {
    if (problem.status === 409 && problem.taskId) await showActive(problem);
    else show(problem);
  } finally {
    button.setAttribute("aria-disabled", "false");
  }
});
document.documentElement.dataset.ready = "";

/** Count anew with what the run's card counts. @param {import("./api.js").Task} task */
function follow(task) {
  if (task.items.done === followed.get(task.id)) return;
  followed.set(task.id, task.items.done);
  recount();
}

/** Show heading, navigation and counts as they are now; what is live or typed stays. */
async function count() {
  const answer = await fetch("/").catch(() => null);
  if (!answer?.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const place of [".page__head", ".home__side", "[data-to-review]"]) {
    const [old, fresh] = [document.querySelector(place), page.querySelector(place)];
    if (old && fresh && !old.contains(document.activeElement)) old.replaceWith(fresh);
  }
  // One primary button: what is best done next.
  const [button, now] = [document, page].map((one) => one.querySelector("[data-start-button]"));
  if (button && now) button.className = now.className;
}

/** @param {FormData} data */
function request(data) {
  const posts = data.get("max_posts_per_run");
  return {
    account_id: Number(data.get("account_id")),
    settings: {
      max_posts_per_run: posts ? Number(posts) : null,
      language: String(data.get("language") ?? "").trim() || null,
      max_caption_length: Number(data.get("max_caption_length")),
      reprocess_existing: data.has("reprocess_existing"),
      use_post_text: data.has("use_post_text"),
    },
  };
}

/** A run is going on already, perhaps started in another window: show that one. */
async function showActive(problem) {
  try {
    take(await call("GET", `/tasks/${problem.taskId}`));
    focusCard();
    announce("A run is going on already. This is how far it is.");
  } catch (other) {
    show(other);
  }
}

function focusCard() {
  const card = document.querySelector("[data-cards] [data-task-card]:last-child");
  card?.setAttribute("tabindex", "-1");
  card?.focus({ preventScroll: true });
  card?.scrollIntoView({ block: "nearest" });
}

/** @param {import("./api.js").Problem} problem */
function show(problem) {
  const faults = Object.entries(problem.fields).map(([name, fault]) => `${label(name)} ${fault}.`);
  error.textContent = [problem.message, ...faults].join(" ");
  error.hidden = false;
  const first = Object.keys(problem.fields).map((name) => form.elements.namedItem(name)).find(Boolean);
  if (first instanceof HTMLElement) {
    first.closest("details")?.setAttribute("open", "");
    first.focus();
  }
}

/** @param {string} name */
function label(name) {
  const field = form.elements.namedItem(name);
  return (field instanceof HTMLElement && field.closest(".field, .check")?.querySelector("label, span")?.textContent) || name;
}
