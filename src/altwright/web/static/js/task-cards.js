/** The place on a page where cards of tasks stand; new tasks get one from the page's template. */

import { listen, take } from "./live.js";
import { TaskCard } from "./task-card.js";
import { isActive } from "./words.js";

/** @typedef {import("./api.js").Task} Task */

/** @type {Map<string, TaskCard>} */
const cards = new Map();

/**
 * Begin to show tasks.
 * @param {(task: Task) => boolean} isShown which tasks get a card of their own
 * @param {(task: Task) => void} [changed]
 */
export function showTasks(isShown, changed = () => {}) {
  for (const element of document.querySelectorAll("[data-task-card][data-task]")) {
    const task = JSON.parse(element.dataset.task);
    cards.set(task.id, new TaskCard(element));
  }
  listen((task) => {
    if (!cards.has(task.id) && isShown(task) && isActive(task)) add(task);
    cards.get(task.id)?.show(task);
    changed(task);
  });
  for (const element of document.querySelectorAll("[data-task-card][data-task]")) {
    take(JSON.parse(element.dataset.task));
  }
}

/** @param {Task} task @returns {TaskCard} */
export function add(task) {
  const known = cards.get(task.id);
  if (known) return known;
  const place = document.querySelector("[data-cards]");
  const template = document.querySelector("[data-card-template]");
  const element = template.content.firstElementChild.cloneNode(true);
  // What has ended made way for what is going on.
  for (const [id, card] of cards) {
    if (card.task && !isActive(card.task) && place.contains(card.element)) {
      card.element.remove();
      cards.delete(id);
    }
  }
  place.append(element);
  const card = new TaskCard(element);
  cards.set(task.id, card);
  return card;
}
