/** One draft on the page: its card, its words, and what the server last said of it. */

import { call, page } from "../api.js";
import { showBadge } from "../task-card.js";
import { localise } from "../times.js";
import { draftStates, remedies } from "../words.js";
import { Saver } from "./saver.js";

/** @typedef {import("../api.js").DraftJson} DraftJson */

/** States in which a person may change a draft. */
const OPEN = new Set(JSON.parse(document.getElementById("main").dataset.openStates));
/** States in which each action makes no sense, so its button is hidden. */
const HIDDEN_IN = { approve: ["approved"], reopen: ["draft"], skip: ["skipped"], again: ["approved"] };

export class Draft {
  /** @param {HTMLLIElement} element */
  constructor(element) {
    /** With what it was described again, if that may be worth remembering. */
    this.hint = "";
    this.attach(element);
    /** Requests about one draft go out one after the other. */
    this.queue = Promise.resolve();
    this.saver = new Saver(this);
  }

  /** @param {HTMLLIElement} element */
  attach(element) {
    this.element = element;
    /** @type {DraftJson} */
    this.data = JSON.parse(element.dataset.draft);
    this.card = element.querySelector("article");
    this.image = element.querySelector("img");
    /** @type {HTMLTextAreaElement|null} null: nobody may change it any more */
    this.textarea = element.querySelector("[data-text]");
    this.offer(this.hint);
  }

  /**
   * Offer to remember a hint for the account; it stays until that was answered.
   * @param {string} hint "": nothing to remember
   */
  offer(hint) {
    this.hint = hint;
    const place = this.part("remember");
    if (!place) return;
    place.querySelector("[data-words]").textContent = hint;
    place.hidden = !hint;
  }

  get id() {
    return this.data.id;
  }

  get status() {
    return this.data.status;
  }

  get isOpen() {
    return this.textarea !== null;
  }

  /** Whether something goes on that shows its result by itself. */
  get isBusy() {
    return this.card.getAttribute("aria-busy") === "true";
  }

  /** The text as it stands in the field, saved or not. */
  get text() {
    return this.textarea ? this.textarea.value : this.data.text;
  }

  get isSelected() {
    return Boolean(this.checkbox?.checked);
  }

  /** @returns {HTMLInputElement|null} */
  get checkbox() {
    return this.element.querySelector("[data-select]");
  }

  /** @param {string} name @returns {HTMLElement} */
  part(name) {
    return this.element.querySelector(`[data-${name}]`);
  }

  /**
   * Do something with this draft once everything before it is done.
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  after(work) {
    const done = this.queue.then(work);
    this.queue = done.catch(() => {});
    return done;
  }

  /**
   * @param {DraftJson} data what the server says; the field keeps what a person is writing
   * @returns {string[]} what there is to look at now and was not before
   */
  show(data) {
    const known = new Set(this.data.warnings.map((one) => one.message));
    const hadOurs = !this.textarea || this.textarea.value === this.data.text;
    this.data = data;
    this.element.dataset.status = data.status;
    if (this.textarea && hadOurs) this.textarea.value = data.text;
    if (this.textarea) this.textarea.lang = data.language;
    showBadge(this.part("badge"), data.status, draftStates[data.status]);
    for (const [action, states] of Object.entries(HIDDEN_IN)) {
      const button = this.element.querySelector(`[data-act="${action}"]`);
      if (button) button.hidden = states.includes(data.status);
    }
    this.showWarnings();
    this.showText();
    this.tell();
    return data.warnings.map((one) => one.message).filter((message) => !known.has(message));
  }

  /** Let whoever sums drafts up (selections) or listens to them know that this one has changed. */
  tell() {
    if (this.place) this.name(...this.place);
    this.element.dispatchEvent(new CustomEvent("shown", { bubbles: true }));
  }

  /**
   * Show what was changed elsewhere, unless a person is writing here: they choose.
   * @param {DraftJson} data
   */
  async follow(data) {
    const isWriting = this.isOpen && (this.saver.isDirty || document.activeElement === this.textarea);
    if (isWriting && data.text !== this.text) return this.saver.met(data);
    const shown = (one) => JSON.stringify([one.described_text, one.problem, one.level, one.picture.published_text]);
    const isAsBefore = this.isOpen && OPEN.has(data.status) && shown(data) === shown(this.data);
    if (isAsBefore || (isWriting && OPEN.has(data.status))) {
      this.show(data);
      this.saver.agreed();
    } else await this.replace();
  }

  showText() {
    if (!this.textarea) return;
    this.image.alt = this.text || "A picture without a text yet";
    if (this.text) this.image.lang = this.data.language;
    else this.image.removeAttribute("lang");
    const isTheirs = this.text === this.data.described_text;
    this.element.querySelector('[data-act="describers"]').hidden = isTheirs || !this.data.described_text;
    // Of a person's words the describer isn't sure.
    for (const one of this.element.querySelectorAll("[data-drafted], .level")) one.hidden = !isTheirs;
    this.element.querySelector("[data-rewritten]").hidden = isTheirs;
    const length = [...this.text].length; // code points, as the server counts
    const count = this.part("count");
    count.textContent = length.toLocaleString("en");
    count.classList.toggle("is-over", length > this.data.max_length);
    grow(this.textarea);
  }

  showWarnings() {
    const list = this.part("warnings");
    list.replaceChildren(...this.data.warnings.map((warning, at) => this.warning(warning, at === 0)));
    list.hidden = !this.data.warnings.length || !this.isOpen;
  }

  /** @param {import("../api.js").Warning} warning @param {boolean} isFirst the one that a key mends */
  warning(warning, isFirst) {
    const item = document.getElementById("warning-item").content.firstElementChild.cloneNode(true);
    const words = item.querySelector("[data-words]");
    const button = item.querySelector("button");
    words.textContent = warning.message;
    words.id = `warning-${this.id}-${warning.code}`;
    button.value = warning.code;
    button.setAttribute("aria-describedby", words.id);
    button.querySelector("[data-remedy]").textContent = remedies[warning.remedy];
    if (isFirst) button.setAttribute("aria-keyshortcuts", "m");
    else button.querySelector("kbd").remove();
    return item;
  }

  /**
   * Let the card say what somebody who comes to it needs to hear.
   * @param {number} position @param {string} of
   */
  name(position, of) {
    this.place = [position, of];
    const day = this.element.querySelector(".draft__title").textContent.replace(/\s+/g, " ").trim();
    const level = this.element.querySelector(".level:not([hidden])")?.textContent;
    const warnings = this.isOpen ? this.data.warnings.map((one) => one.message) : [];
    const words = [`${position} of ${of}`, day, this.part("badge").textContent.trim(), this.image.alt, level, ...warnings];
    this.card.removeAttribute("aria-labelledby"); // the server's, which says the day only
    this.card.setAttribute("aria-label", words.filter(Boolean).map((one) => one.replace(/\.$/, "")).join(". "));
  }

  /** @param {string} words "" when nothing goes on */
  showBusy(words) {
    const busy = this.part("busy");
    busy.textContent = words;
    busy.hidden = !words;
    this.card.setAttribute("aria-busy", String(Boolean(words)));
  }

  /** Take the server's word for this draft, in place. */
  async refetch() {
    this.meet(await call("GET", `/drafts/${this.id}`));
  }

  /**
   * Show what the server says; who is writing chooses between that and a text of somebody else.
   * @param {DraftJson} data
   */
  meet(data) {
    const isOthers = data.text !== this.data.text && data.text !== this.text;
    if (this.saver.isDirty && isOthers) this.saver.met(data);
    else this.show(data);
  }

  /**
   * Take the whole card anew: its picture, warnings and evidence may have changed too. What is
   * written here and not saved stays in its field.
   */
  async replace() {
    const had = this.card.contains(document.activeElement);
    const fresh = (await page(`/review/${this.id}/card${location.search}`)).querySelector("li");
    const element = document.adoptNode(fresh);
    localise(element);
    const data = JSON.parse(element.dataset.draft);
    if (this.saver.isDirty && data.text !== this.text) return this.meet(data);
    if ("current" in this.element.dataset) element.dataset.current = "";
    const wasSelected = this.isSelected;
    this.element.replaceWith(element);
    this.attach(element);
    if (wasSelected && this.checkbox) this.checkbox.checked = true;
    this.saver.forget();
    this.showText();
    this.tell();
    if (had) this.card.focus({ preventScroll: true });
  }

  /** Fetch the large picture, and show it once it is there. */
  preload() {
    const full = this.image.dataset.full;
    if (!full) return;
    delete this.image.dataset.full;
    this.image.loading = "eager"; // it is shown a moment later
    const large = new Image();
    large.onload = () => (this.image.src = full);
    large.src = full;
  }
}

/** Let a field be as high as its text; browsers that can do so by themselves do (CSS). */
function grow(textarea) {
  if (CSS.supports("field-sizing", "content")) return;
  textarea.style.height = "auto";
  textarea.style.height = `${textarea.scrollHeight + 2}px`;
}
