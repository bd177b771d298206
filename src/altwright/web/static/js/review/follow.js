/** Follows runs that go on while the page is open: counts, and drafts that are new since. */

import { announce } from "../announce.js";
import { call, page } from "../api.js";
import { listen } from "../live.js";
import { refresh } from "./counts.js";

/** Milliseconds between two looks while a run goes on. */
const LOOK_MS = 2000;
/** Drafts that one request brings; the most that the API gives. */
const PAGE = 200;
/** Views whose drafts a run brings. */
const FED = new Set(["draft", "all"]);

/** @param {import("./deck.js").Deck} deck */
export function followRuns(deck) {
  const notice = document.querySelector("[data-new]");
  const button = notice.querySelector("[data-show-new]");
  const { account, task: run } = filters();
  /** @type {Map<string, number>} */
  const done = new Map();
  const since = deck.main.dataset.at;
  let looking = 0;
  let announced = 0;

  async function look() {
    looking = 0;
    try {
      await refresh();
      if (FED.has(deck.view)) show(await unseen());
    } catch {
      // The next change of the run brings the next look.
    }
  }

  async function unseen() {
    const query = new URLSearchParams({ status: "draft", updated_since: since, limit: String(PAGE) });
    if (account) query.set("account_id", account);
    if (run) query.set("task_id", run);
    const known = new Set(deck.drafts.map((draft) => draft.id));
    for (;;) {
      const said = await call("GET", `/drafts?${query}`);
      const fresh = said.drafts.filter((draft) => !known.has(draft.id));
      if (fresh.length || !said.next_cursor) return fresh;
      query.set("cursor", said.next_cursor);
    }
  }

  /** @param {import("../api.js").DraftJson[]} drafts */
  function show(drafts) {
    const count = drafts.length;
    notice.hidden = count === 0;
    const words = `${count}${count === PAGE ? "+" : ""} new ${count === 1 ? "draft" : "drafts"}`;
    button.textContent = `Show ${words}`;
    if (count && !announced) announce(`${words} to review.`);
    announced = count;
  }

  button.addEventListener("click", async () => {
    if (!deck.drafts.length) return location.reload(); // the page has nothing to lose
    button.disabled = true;
    try {
      const query = new URLSearchParams(location.search);
      query.set("status", deck.view);
      query.set("since", since);
      let first;
      let url = `/review/cards?${query}`;
      while (url && !first) {
        const fresh = await page(url);
        first = deck.add(fresh);
        url = fresh.querySelector("template[data-next]")?.dataset.next;
      }
      show(await unseen());
      if (first) deck.go(deck.drafts.indexOf(first));
    } catch {
      announce("The new drafts could not be loaded. Try again.");
    } finally {
      button.disabled = false;
    }
  });

  listen((task) => {
    if (task.kind !== "captions" || done.get(task.id) === task.items.done) return;
    done.set(task.id, task.items.done);
    looking ||= setTimeout(look, LOOK_MS);
  });
}

function filters() {
  const query = new URLSearchParams(location.search);
  return { account: query.get("account"), task: query.get("task") };
}
