/** Follows what happens elsewhere while the page is open: drafts that are new, and that change. */

import { announce } from "../announce.js";
import { call, page } from "../api.js";
import { coalesced } from "../coalesced.js";
import { listen, listenToDrafts } from "../live.js";
import { draftStates, isActive } from "../words.js";
import { take, toReview } from "./counts.js";
import { showEmpty } from "./empty.js";
import { narrowed } from "./narrowed.js";

/** Milliseconds between two looks; the first comes with the news. */
const REST_MS = 250;
/** Drafts that one request brings; the most that the API gives. */
const PAGE = 200;
/** Views whose drafts a run brings. */
const FED = new Set(["draft", "all"]);
/** States of a draft that is out of the reviewer's hands. */
const PUBLISHED = new Set(["publishing", "published"]);
/** Milliseconds before the newest change seen: others may have been written later, dated earlier. */
const OVERLAP_MS = 30_000;

/** @param {import("./deck.js").Deck} deck @param {import("./decisions.js").Decisions} decisions */
export function follow(deck, decisions) {
  const notice = document.querySelector("[data-new]");
  const button = notice.querySelector("[data-show-new]");
  /** @type {Map<string, string>} how each task stood when it was heard of last */
  const known = new Map();
  /** What was written since then isn't among what the page can walk to. */
  const opened = () => deck.main.dataset.at;
  let newest = Date.parse(opened());
  let announced = 0;
  /** Whether a task has done something since the last look: it may have written drafts. */
  let hasRun = false;

  const look = coalesced(async () => {
    const had = hasRun;
    hasRun = false;
    try {
      const waited = toReview();
      const changed = await changes();
      const here = new Map(deck.drafts.map((draft) => [draft.id, draft]));
      await Promise.all(changed.map((data) => here.get(data.id) && meet(here.get(data.id), data)));
      const at = opened();
      if (!FED.has(deck.view) || !(had || toReview() > waited)) return;
      const fresh = await unseen();
      if (at === opened()) show(fresh);
    } catch {
      hasRun ||= had;
      // The next news brings the next look.
    }
  }, REST_MS);

  /**
   * Thousands may change at once: only those that this page shows are asked for.
   * @returns {Promise<import("../api.js").DraftJson[]>} those of them that have changed of late
   */
  async function changes() {
    const since = new Date(newest - OVERLAP_MS).toISOString();
    const ids = deck.drafts.map((draft) => draft.id);
    const found = [];
    let at = 0;
    do {
      const query = new URLSearchParams({ updated_since: since, limit: String(PAGE) });
      if (ids.length) query.set("ids", ids.slice(at, at + PAGE).join(","));
      else query.set("limit", "1"); // for its counts
      const said = await call("GET", `/drafts?${query}`);
      if (ids.length) found.push(...said.drafts);
      await take(said);
      at += PAGE;
    } while (at < ids.length);
    newest = Math.max(newest, ...found.map((data) => Date.parse(data.updated_at)));
    return found;
  }

  /**
   * Show a draft as it is now, after what goes on here; what a person is writing stays.
   * @param {import("./draft.js").Draft} draft @param {import("../api.js").DraftJson} data
   */
  function meet(draft, data) {
    return draft.after(async () => {
      if (data.version <= draft.data.version || draft.isBusy) return;
      const before = draft.status;
      // What was done here can't be undone over what somebody did since.
      const ids = new Set([draft.id]);
      if (PUBLISHED.has(data.status)) decisions.published(ids);
      else decisions.forget(ids);
      await draft.follow(data);
      if (draft === deck.current && draft.status !== before) {
        announce(`Changed elsewhere: ${draftStates[draft.status]}.`);
      }
    });
  }

  async function unseen() {
    const asked = { status: "draft", updated_since: opened(), limit: String(PAGE) };
    const query = new URLSearchParams({ ...narrowed(), ...asked });
    const here = new Set(deck.drafts.map((draft) => draft.id));
    for (;;) {
      const said = await call("GET", `/drafts?${query}`);
      const fresh = said.drafts.filter((draft) => !here.has(draft.id));
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
    if (!deck.drafts.length) showEmpty({ come: count > 0 });
  }

  button.addEventListener("click", async () => {
    if (!deck.drafts.length) return location.reload(); // the page has nothing to lose
    button.disabled = true;
    try {
      const query = new URLSearchParams(location.search);
      query.set("status", deck.view);
      query.set("since", opened());
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

  deck.list.addEventListener("reloaded", () => show([]));

  listen((task) => {
    const { done, failed, skipped } = task.items;
    const now = `${task.status} ${done} ${failed} ${skipped}`;
    if (known.get(task.id) === now) return;
    known.set(task.id, now);
    if (task.kind === deck.main.dataset.describes && !deck.drafts.length) showEmpty({ running: isActive(task) });
    hasRun = true;
    look();
  });
  listenToDrafts(async ({ id, version }) => {
    if (deck.isDecidingMany && !id) return; // what comes of it is shown by the reload
    const draft = deck.drafts.find((one) => one.id === id);
    await draft?.queue; // it may be our own change that we hear of
    if (!draft || draft.data.version < version) look();
  });
}
