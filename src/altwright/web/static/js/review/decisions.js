/** Approve, skip, reopen: one draft or many, and undo. */

import { announce, tell } from "../announce.js";
import { call } from "../api.js";
import { moved, refresh, take } from "./counts.js";
import { byShortcut } from "./keys.js";
import { bringBack, former, origin, restore, textsOf } from "./texts.js";

/** @typedef {import("./draft.js").Draft} Draft */
/** @typedef {import("../api.js").DraftJson} DraftJson */

const WORDS = { approve: "Approved", skip: "Skipped", reopen: "Back to review" };
/** The state that each action leads to. */
export const RESULT = { approve: "approved", skip: "skipped", reopen: "draft" };
/** Drafts that one request reads, the most that the API gives; and that one request changes. */
const PAGE = 200;
const IDS = 10_000;
/** What brings a draft back to a state. */
const WAY_BACK = { draft: "reopen", approved: "approve", skipped: "skip" };

/** @param {string} action @param {number[]} ids */
const many = (action, ids) => `${WORDS[action].toLowerCase()} ${ids.length.toLocaleString("en")}`;

export class Decisions {
  /** @param {import("./deck.js").Deck} deck */
  constructor(deck) {
    this.deck = deck;
    /**
     * What can be undone, newest last: decisions about drafts, and texts that were replaced.
     * @type {{words: string, action?: string, before: {draft: Draft, status?: string, said?: DraftJson}[],
     *   ids?: number[]}[]}
     */
    this.done = [];
    /** The undo under way. */
    this.undoing = Promise.resolve();
    this.button = document.querySelector("[data-undo]");
    this.button?.addEventListener("click", () => this.undo());
  }

  /**
   * Decide about one draft, and go on at once; a failure comes back to it.
   * @param {Draft} draft @param {"approve"|"skip"|"reopen"} action
   */
  async decide(draft, action) {
    const before = draft.status;
    if (!draft.isOpen || before === RESULT[action]) return;
    if (action === "approve" && !draft.text.trim()) {
      // After a shortcut the next one of somebody in a hurry would become the text.
      if (byShortcut()) return tell("There is no text yet to approve: E for writing one, S for skipping.", { problem: true });
      draft.textarea.focus();
      return tell("There is no text yet to approve.", { problem: true });
    }
    if (draft.saver.state === "conflict") {
      return tell("Choose first which of the two texts to keep.", { problem: true });
    }
    const sent = this.send(draft, action);
    const step = this.push(action, [{ draft, status: before }]);
    // Shown before the server has answered, so that a person can go at their own pace.
    draft.show({ ...draft.data, status: RESULT[action] });
    moved(before, RESULT[action]);
    const isHere = this.deck.current === draft;
    if (isHere && action !== "reopen") await this.deck.onward();
    announce(`${WORDS[action]}.`);
    try {
      await sent;
    } catch (problem) {
      this.drop(step);
      this.deck.go(this.deck.drafts.indexOf(draft));
      tell(`Not ${WORDS[action].toLowerCase()}: ${problem.message}`, { problem: true });
    }
  }

  /** @param {Draft} draft @param {string} action */
  send(draft, action) {
    const { text, status: before } = draft;
    const isDirty = draft.saver.isDirty;
    clearTimeout(draft.saver.timer);
    return draft.after(async () => {
      try {
        // News of somebody else's text was shown between the key and this turn.
        const isOthers = !isDirty && !draft.saver.isDirty && draft.text !== text;
        if (isOthers || draft.saver.state === "conflict") throw new Error("It was changed elsewhere.");
        if (isDirty && action !== "approve") {
          const version = draft.data.version;
          const before = draft.data;
          draft.data = await call("PATCH", `/drafts/${draft.id}`, { text, version });
          this.wrote(draft, before, { isDecision: true });
        }
        const body = { version: draft.data.version };
        if (isDirty && action === "approve") body.text = text;
        const data = await call("POST", `/drafts/${draft.id}/${action}`, body);
        if (isDirty) draft.saver.saved(data, text, { isDecision: true });
        else draft.show(data);
      } catch (problem) {
        draft.show({ ...draft.data, status: before });
        moved(RESULT[action], before);
        if (problem.status === 409) await (isDirty ? draft.saver.conflict() : draft.refetch().catch(() => {}));
        else if (isDirty) draft.saver.later(0);
        throw problem;
      }
    });
  }

  /** @param {Draft[]} drafts @param {"approve"|"skip"} action */
  async decideMany(drafts, action) {
    const open = drafts.filter((draft) => draft.isOpen && draft.status !== RESULT[action]);
    if (!open.length) return;
    const saved = await Promise.all(open.map((draft) => draft.saver.save()));
    // Nobody decides about another text than the one that stands on the page.
    const ready = open.filter((draft, at) => saved[at]);
    let done;
    const isDone = new Promise((resolve) => (done = resolve));
    for (const draft of ready) draft.after(() => isDone); // news of this very change waits for it
    const before = ready.map((draft) => ({ draft, status: draft.status }));
    try {
      const ids = ready.map((draft) => draft.id);
      const { changed } = ids.length ? await call("POST", `/drafts/${action}`, { ids }) : { changed: 0 };
      await this.reread(ready);
      this.push(action, before.filter(({ draft, status }) => draft.status !== status));
      const left = open.length - changed;
      tell(`${WORDS[action]}: ${changed}.${left ? ` ${left} could not be: look at ${left === 1 ? "its text" : "their texts"}.` : ""}`);
    } catch (problem) {
      tell(problem.message, { problem: true });
    } finally {
      done();
    }
  }

  /** Take the server's word for many drafts. @param {Draft[]} drafts */
  async reread(drafts) {
    const here = new Map(drafts.map((draft) => [draft.id, draft]));
    const ids = [...here.keys()];
    for (let at = 0; at < ids.length; at += PAGE) {
      const said = await call("GET", `/drafts?limit=${PAGE}&ids=${ids.slice(at, at + PAGE).join(",")}`);
      for (const data of said.drafts) here.get(data.id).meet(data);
      await take(said);
    }
  }

  /**
   * The server has decided about many drafts by a filter, most of which aren't on this page.
   * @param {"approve"|"skip"} action @param {number[]} ids
   */
  async tookMany(action, ids) {
    if (ids.length) this.done.push({ words: many(action, ids), action, before: [], ids });
    this.showButton();
    await this.deck.reload();
    const words = `${WORDS[action]}: ${ids.length.toLocaleString("en")}.`;
    if (ids.length) tell(`${words} Undo takes them back.`, { undo: () => this.undo() });
    else tell(words);
  }

  /** @param {number[]} ids approved or skipped ones */
  async reopenMany(ids) {
    for (let at = 0; at < ids.length; at += IDS) await call("POST", "/drafts/reopen", { ids: ids.slice(at, at + IDS) });
  }

  push(action, before) {
    const step = { words: WORDS[action].toLowerCase(), before };
    if (before.length) this.done.push(step);
    this.showButton();
    return step;
  }

  /**
   * Remember a text that another one has replaced.
   * @param {Draft} draft @param {DraftJson} said the draft as it was
   * @param {{words?: string, isDecision?: boolean}} [how] isDecision: it went with the last step
   */
  wrote(draft, said, { words = "changed text", isDecision = false } = {}) {
    const isOf = ({ before }) => before.some((one) => one.draft === draft && one.status !== undefined);
    const decided = isDecision ? this.done.findLastIndex(isOf) : -1;
    const at = decided < 0 ? this.done.length : decided;
    const last = this.done[at - 1]?.before[0];
    // The saves of one person in one text are one step.
    const isSame = last?.draft === draft && last.said !== undefined && this.done[at - 1].words === words;
    if (!isSame) this.done.splice(at, 0, { words, before: [{ draft, said }] });
    this.showButton();
  }

  /**
   * Forget what can't be undone any more: these drafts are out of the reviewer's hands.
   * @param {Set<number>} ids
   */
  forget(ids) {
    for (const step of this.done) step.before = step.before.filter(({ draft }) => !ids.has(draft.id));
    this.done = this.done.filter((step) => step.before.length || step.ids?.length);
    this.showButton();
  }

  /** Forget drafts that are published or about to be, also of many approved at once. @param {Set<number>} ids */
  published(ids) {
    for (const step of this.done.filter((one) => one.ids)) {
      step.ids = step.ids.filter((id) => !ids.has(id));
      step.words = many(step.action, step.ids);
    }
    this.forget(ids);
  }

  /** Forget a step that came to nothing. */
  drop(step) {
    this.done = this.done.filter((one) => one !== step);
    this.showButton();
  }

  showButton() {
    if (!this.button) return;
    const last = this.done.at(-1);
    this.button.hidden = !last;
    if (last) this.button.querySelector("[data-words]").textContent = `Undo: ${last.words}`;
  }

  /** Undo the last step; pressed quickly, one after the other: each begins where the last ended. */
  undo() {
    return (this.undoing = this.undoing.catch(() => {}).then(() => this.undoLast()));
  }

  async undoLast() {
    try {
      await this.deck.current?.saver.mustSave();
    } catch (problem) {
      return tell(`Not undone: ${problem.message}`, { problem: true });
    }
    const last = this.done.pop();
    this.showButton();
    if (!last) return this.undoEarlier(this.deck.current);
    if (last.ids) return this.undoMany(last);
    const failed = [];
    for (const { draft, status, said } of last.before) {
      try {
        if (said === undefined) await this.takeBack(draft, status);
        else await bringBack(draft, said);
      } catch (problem) {
        failed.push(problem.message);
        await draft.replace().catch(() => {});
      }
    }
    await refresh().catch(() => {});
    const first = this.deck.drafts.indexOf(last.before[0].draft);
    this.deck.go(first);
    if (failed.length) tell(`Not undone: ${failed[0]}`, { problem: true });
    else tell(`Undone: ${last.words}.`);
  }

  /** @param {{words: string, ids: number[]}} step */
  async undoMany(step) {
    tell(`Taking ${step.ids.length.toLocaleString("en")} back …`);
    this.deck.isDecidingMany = true;
    try {
      await this.reopenMany(step.ids);
      await this.deck.reload();
      tell(`Undone: ${step.words}.`);
    } catch (problem) {
      this.done.push(step);
      this.showButton();
      tell(`Not undone: ${problem.message}`, { problem: true });
    } finally {
      this.deck.isDecidingMany = false;
    }
  }

  /** @param {Draft} draft @param {string} status */
  takeBack(draft, status) {
    return draft.after(async () => {
      const was = draft.status;
      if (was === status) return;
      draft.meet(await call("POST", `/drafts/${draft.id}/${WAY_BACK[status]}`, {}));
      moved(was, draft.status);
    });
  }

  /**
   * Undo what this page doesn't remember, since it was loaded anew: the server does.
   * @param {Draft|undefined} draft
   */
  async undoEarlier(draft) {
    if (!draft?.isOpen) return tell("There is nothing to undo.");
    try {
      if (draft.status !== "draft") {
        const words = WORDS[draft.status === "approved" ? "approve" : "skip"].toLowerCase();
        await this.takeBack(draft, "draft");
        return tell(`Undone: ${words}.`);
      }
      const earlier = former(await textsOf(draft), draft.data.text);
      if (!earlier) return tell("There is nothing more to undo: this is the picture's first text.");
      await restore(draft, earlier.id);
      tell(`The former text is back. ${origin(earlier)}.`);
    } catch (problem) {
      tell(`Not undone: ${problem.message}`, { problem: true });
    }
  }
}
