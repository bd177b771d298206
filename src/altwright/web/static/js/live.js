/**
 * Tasks and drafts as they change: pushed over Socket.IO, asked for while that is away; older news
 * is dropped.
 */

import { call } from "./api.js";
import { isActive } from "./words.js";

/** @typedef {import("./api.js").Task} Task */
/** @typedef {{id?: number|null, version?: number|null}} DraftNews of one draft, or of any of them */

/** Milliseconds between two looks at a watched task without, and beside, a working socket. */
const POLL_MS = 3000;
/** Milliseconds in which a socket is connected, if there is one. */
const FIRST_LOOK_MS = 1000;
const POLL_BESIDE_MS = 10000;
/** Newest tasks that are asked for then. */
const DISCOVERED = 5;

/** @type {Map<string, Task>} */
const newest = new Map();
/** @type {Set<(task: Task) => void>} */
const listeners = new Set();
/** @type {Set<(news: DraftNews) => void>} */
const draftListeners = new Set();
/** @type {Map<string, number>} when each active task was last heard of */
const heard = new Map();
let socket = null;
let isStarted = false;
let askedAt = Date.now();

/**
 * Take news of a task; whoever listens hears it, unless something newer is known.
 * @param {Task} task
 * @returns {boolean} whether it was news
 */
export function take(task) {
  const known = newest.get(task.id);
  heard.set(task.id, Date.now());
  if (known && task.progress.sequence <= known.progress.sequence) return false;
  newest.set(task.id, task);
  if (!isActive(task)) heard.delete(task.id);
  for (const listener of listeners) listener(task);
  return true;
}

/**
 * Hear of every task of this user from now on.
 * @param {(task: Task) => void} listener
 * @returns {() => void} stops it
 */
export function listen(listener) {
  listeners.add(listener);
  start();
  return () => listeners.delete(listener);
}

/**
 * Hear from now on that drafts of this user may have changed by a person's hand, here or elsewhere.
 * @param {(news: DraftNews) => void} listener
 */
export function listenToDrafts(listener) {
  draftListeners.add(listener);
  start();
}

/**
 * Resolve with a task once it has ended.
 * @param {Task} task
 * @param {(task: Task) => boolean} [isAwaited] what it is waited for, in place of its end
 * @returns {Promise<Task>}
 */
export function ended(task, isAwaited = (one) => !isActive(one)) {
  return new Promise((resolve) => {
    const stop = listen((changed) => {
      if (changed.id !== task.id || !isAwaited(changed)) return;
      stop();
      resolve(changed);
    });
    take(task);
    const known = newest.get(task.id);
    if (known && isAwaited(known)) {
      stop();
      resolve(known);
    }
  });
}

function start() {
  if (isStarted) return;
  isStarted = true;
  connect();
  setTimeout(look, FIRST_LOOK_MS);
  setInterval(look, POLL_MS);
  document.addEventListener("visibilitychange", () => document.hidden || look());
}

async function connect() {
  try {
    const { io } = await import("../vendor/socket.io.esm.min.js");
    socket = io({ transports: ["websocket"] });
    socket.on("task", take);
    socket.on("drafts", tellOfDrafts);
    // What changed while it was away has been told to nobody.
    socket.io.on("reconnect", () => tellOfDrafts({}));
  } catch {
    socket = null; // polling does
  }
}

/** @param {DraftNews} news */
function tellOfDrafts(news) {
  for (const listener of draftListeners) listener(news);
}

/** Without a socket nobody tells of tasks that were begun elsewhere: ask. */
async function discover() {
  try {
    const { tasks } = await call("GET", `/tasks?limit=${DISCOVERED}`);
    for (const task of tasks) if (isActive(task) || newest.has(task.id)) take(task);
  } catch {
    // The next look asks again.
  }
}

/** Ask for each active task that has been silent for too long. */
async function look() {
  if (!socket?.connected) await discover();
  const patience = socket?.connected ? POLL_BESIDE_MS : POLL_MS - 500;
  if (!document.hidden && Date.now() - askedAt >= patience) {
    askedAt = Date.now();
    tellOfDrafts({});
  }
  for (const [id, at] of heard) {
    if (Date.now() - at < patience) continue;
    try {
      take(await call("GET", `/tasks/${id}`));
    } catch (problem) {
      if (problem.status === 404) heard.delete(id); // purged; there is nothing to wait for
    }
  }
}
