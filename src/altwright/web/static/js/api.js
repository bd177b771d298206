/** Calls of the REST API; what goes wrong becomes a Problem. */

const PREFIX = "/api/v1";
/** Milliseconds before a submit whose answer got lost is sent again, with the same key. */
const AGAIN_MS = [400, 1500, 4000];
/** Answers that say nothing about whether the request was worked on. */
const LOST = new Set([0, 502, 503, 504]);

/**
 * @typedef {{total: number|null, done: number, failed: number, skipped: number}} Items
 * @typedef {{id: string, kind: string, status: string, account_id: number|null,
 *   cancel_requested: boolean, progress: {percent: number, step: string, sequence: number},
 *   items: Items, created_at: string, started_at: string|null, finished_at: string|null,
 *   error: {category: string|null, message: string}|null}} Task
 * @typedef {{code: string, message: string, remedy: "replace"|"write"|"describe", mended: string|null}} Warning
 * @typedef {{id: number, status: string, version: number, text: string, text_id: number|null, max_length: number,
 *   warnings: Warning[], problem: string, language: string, level: string|null, updated_at: string,
 *   picture: {id: number, url: string, thumbnail_url: string, position: number, of: number},
 *   post: {id: number, url: string, text: string, posted_at: string}}} DraftJson
 */

/** An answer that is an error (RFC 9457), or none at all (status 0). */
export class Problem extends Error {
  /** @param {number} status @param {{detail?: string, fields?: Object<string, string>, task_id?: string}} said */
  constructor(status, said = {}) {
    super(said.detail || "Something went wrong.");
    this.status = status;
    this.fields = said.fields ?? {};
    this.taskId = said.task_id ?? null;
  }

  /** Whether the same request may succeed later. */
  get isPassing() {
    return LOST.has(this.status) || this.status === 429 || this.status >= 500;
  }
}

/**
 * Send a request and return its JSON.
 * @param {string} method
 * @param {string} path below /api/v1
 * @param {object} [body]
 * @param {Object<string, string>} [headers]
 * @returns {Promise<any>}
 * @throws {Problem}
 */
export async function call(method, path, body, headers = {}) {
  let answer;
  try {
    answer = await fetch(PREFIX + path, {
      method,
      headers: {
        Accept: "application/json",
        "X-CSRFToken": csrfToken(),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Problem(0, { detail: "Altwright cannot be reached." });
  }
  if (answer.status === 401) {
    const here = location.pathname + location.search;
    location.assign(`/login?next=${encodeURIComponent(here)}`);
  }
  if (answer.status === 204) return null;
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Problem(answer.status, said);
  return said;
}

/**
 * Submit a task: sent again while its answer gets lost, which makes no second one.
 * @param {string} path
 * @param {object} body
 * @returns {Promise<Task>}
 */
export async function submit(path, body) {
  const headers = { "Idempotency-Key": newKey() };
  for (const wait of [...AGAIN_MS, null]) {
    try {
      return await call("POST", path, body, headers);
    } catch (problem) {
      if (wait === null || !(problem instanceof Problem) || !LOST.has(problem.status)) throw problem;
      await new Promise((go) => setTimeout(go, wait));
    }
  }
  throw new Problem(0);
}

/**
 * Fetch a page of ours as a document, to take pieces from.
 * @param {string} path
 * @returns {Promise<Document>}
 */
export async function page(path) {
  let answer;
  try {
    answer = await fetch(path, { headers: { Accept: "text/html" } });
  } catch {
    throw new Problem(0, { detail: "Altwright cannot be reached." });
  }
  if (!answer.ok) throw new Problem(answer.status);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]')?.getAttribute("content") ?? "";
}

/** crypto.randomUUID is there on secure origins only; a service in a home network may be none. */
function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}
