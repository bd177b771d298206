/** Saves a draft's text while it is written; nothing that was written is lost on the way. */

import { announce } from "../announce.js";
import { call } from "../api.js";

/** Milliseconds after the last key before a text is saved. */
const QUIET_MS = 700;
/** Milliseconds before the first retry of a failed save, and at most before a later one. */
const RETRY_MS = 1500;
const RETRY_MOST_MS = 30_000;
/** Milliseconds between two announcements that a text was saved. */
const ANNOUNCE_MS = 8000;
const KEY = "altwright.unsaved.";

let announcedAt = 0;

export class Saver {
  /** @param {import("./draft.js").Draft} draft */
  constructor(draft) {
    this.draft = draft;
    this.timer = 0;
    this.failures = 0;
    this.state = "";
    this.restore();
  }

  get isDirty() {
    return this.draft.isOpen && this.draft.text !== this.draft.data.text;
  }

  /** Bring back what was written and not saved: when the page was last left, or before this ran. */
  restore() {
    const kept = read(this.draft.id);
    const field = this.draft.textarea;
    if (!field) return;
    if (!kept && field.value !== field.defaultValue) return this.changed();
    if (!kept) return;
    if (kept.text === this.draft.data.text) return forget(this.draft.id);
    this.draft.textarea.value = kept.text;
    this.draft.showText();
    if (kept.version < this.draft.data.version) this.showConflict(this.draft.data.text);
    else this.later(0);
  }

  /** The text has changed: keep it here at once, on the server in a moment. */
  changed() {
    keep(this.draft.id, this.draft.text, this.draft.data.version);
    this.draft.showText();
    this.failures = 0;
    if (this.state === "conflict") return;
    this.show("waiting", "");
    this.later(QUIET_MS);
  }

  /** @param {number} ms */
  later(ms) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), ms);
  }

  /** Save what isn't saved. @returns {Promise<boolean>} whether all is saved now */
  save() {
    clearTimeout(this.timer);
    return this.draft.after(async () => {
      if (!this.isDirty) return true;
      if (this.state === "conflict") return false;
      this.show("saving", "Saving …");
      const text = this.draft.text;
      try {
        const version = this.draft.data.version;
        const data = await call("PATCH", `/drafts/${this.draft.id}`, { text, version });
        this.saved(data, text);
        return true;
      } catch (problem) {
        await this.failed(problem);
        return false;
      }
    });
  }

  /** Save what isn't saved, before another text takes its place. @throws {Error} it can't be */
  async mustSave() {
    if (!(await this.save())) throw new Error("What you wrote here is not saved yet.");
  }

  /**
   * Note that the server has ``text``, which it may have tidied.
   * @param {import("../api.js").DraftJson} data @param {string} text
   * @param {{isDecision?: boolean}} [how] whether the text went with a decision
   */
  saved(data, text, { isDecision = false } = {}) {
    const before = this.draft.data;
    if (before.text !== data.text) {
      const detail = { before, isDecision };
      this.draft.element.dispatchEvent(new CustomEvent("written", { bubbles: true, detail }));
    }
    const hadFailed = this.failures > 0;
    this.failures = 0;
    const isStill = this.draft.text === text;
    // What the server tidied (blanks at the end) is put into the field once nobody is in it.
    const isBusy = document.activeElement === this.draft.textarea;
    if (isStill && !isBusy && this.draft.textarea) this.draft.textarea.value = data.text;
    if (isStill && isBusy) data = { ...data, text };
    const fresh = this.draft.show(data);
    if (isStill) {
      forget(this.draft.id);
      this.show("saved", "Saved");
      if (hadFailed || fresh.length || Date.now() - announcedAt > ANNOUNCE_MS) {
        announcedAt = Date.now();
        announce(["Saved.", ...fresh].join(" "));
      }
    } else {
      keep(this.draft.id, this.draft.text, data.version);
      this.later(QUIET_MS);
    }
  }

  /** @param {import("../api.js").Problem} problem */
  async failed(problem) {
    if (problem.status === 409) return this.conflict();
    if (problem.isPassing || problem.status === 401) {
      const isFirst = this.failures === 0;
      this.failures += 1;
      const words = "Not saved yet. Your text is kept in this browser; trying again.";
      this.show("failed", words);
      if (isFirst) announce(words);
      this.later(Math.min(RETRY_MS * 2 ** (this.failures - 1), RETRY_MOST_MS));
      return;
    }
    const fault = Object.values(problem.fields)[0];
    const words = `Not saved: ${fault ? `the text ${fault}` : problem.message}`;
    this.show("failed", words);
    announce(words);
  }

  /** Somebody else has changed the draft: show both texts, and let the person choose. */
  async conflict() {
    try {
      const data = await call("GET", `/drafts/${this.draft.id}`);
      const mine = this.draft.text;
      if (data.text !== mine) return this.met(data);
      this.draft.data = data;
      this.saved(data, mine);
    } catch {
      this.failures += 1;
      this.later(RETRY_MS);
    }
  }

  /** Another text came while a person is writing. @param {import("../api.js").DraftJson} data */
  met(data) {
    clearTimeout(this.timer);
    this.draft.data = data; // first, so that the field isn't taken for one that follows it
    this.draft.show(data);
    keep(this.draft.id, this.draft.text, data.version);
    this.showConflict(data.text);
  }

  /** The server has come to the text that stands here: nothing is left to choose or to save. */
  agreed() {
    if (this.isDirty) return;
    this.forget();
    this.draft.part("conflict").hidden = true;
    this.show("", "");
  }

  /** @param {string} theirs */
  showConflict(theirs) {
    this.show("conflict", "Changed elsewhere: not saved");
    const box = this.draft.part("conflict");
    const words = box.querySelector("[data-theirs]");
    words.textContent = theirs;
    words.lang = this.draft.data.language;
    box.hidden = false;
    announce("This text was changed elsewhere. Choose which one to keep.");
  }

  /** @param {boolean} mine whether the text in the field wins */
  async settle(mine) {
    this.draft.part("conflict").hidden = true;
    this.state = "";
    if (!mine) {
      this.draft.textarea.value = this.draft.data.text;
      forget(this.draft.id);
      this.draft.showText();
      await this.draft.replace().catch(() => {}); // its picture and origin may be others too
    } else await this.save();
    this.draft.textarea?.focus();
  }

  /** Forget what was written: the server's text stands. */
  forget() {
    clearTimeout(this.timer);
    forget(this.draft.id);
    this.failures = 0;
    this.state = "";
  }

  /** @param {string} state @param {string} words */
  show(state, words) {
    this.state = state;
    const place = this.draft.part("save");
    if (!place) return;
    place.textContent = words;
    place.dataset.state = state;
  }
}

function read(id) {
  try {
    return JSON.parse(localStorage.getItem(KEY + id) ?? "null");
  } catch {
    return null;
  }
}

function keep(id, text, version) {
  try {
    localStorage.setItem(KEY + id, JSON.stringify({ text, version }));
  } catch {
    // Storage is full or forbidden: the text is still in the field, and is being saved.
  }
}

function forget(id) {
  try {
    localStorage.removeItem(KEY + id);
  } catch {
    // It was never kept.
  }
}
