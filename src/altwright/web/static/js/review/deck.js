/** The drafts on the page as a row to walk along, in the grid or one at a time. */

import { announce } from "../announce.js";
import { page } from "../api.js";
import { localise } from "../times.js";
import { inView, takeNumbers } from "./counts.js";
import { Draft } from "./draft.js";
import { byShortcut } from "./keys.js";

/** Where picture, text and actions share a screen that may be too small for all (review.css). */
const small = matchMedia("(max-width: 46rem), (max-width: 61.99rem) and (max-height: 30rem)");
/** What stands above a text in its card. */
const ABOVE = ".draft__picture, .draft__head, .draft__about, .draft__seen";
/** How much of a picture may leave the screen where large letters leave no room. */
const HIDDEN_MOST = 0.4;
/** Drafts left ahead when the next ones are fetched: a key held down finds them there. */
const AHEAD = 20;

export class Deck {
  constructor() {
    this.main = document.getElementById("main");
    this.list = document.querySelector("[data-drafts]");
    this.end = document.querySelector("[data-end]");
    /** @type {Draft[]} */
    this.drafts = [...this.list.querySelectorAll(":scope > li")].map((li) => new Draft(li));
    this.index = 0;
    this.total = inView(this.view);
    this.isAtEnd = false;
    /** Whether many are being decided about, which ends with a reload. */
    this.isDecidingMany = false;
    this.loading = null;
    /** @type {Element[]} what stands above the current text: it grows late, by a person's own style or a turned telephone */
    this.above = [];
    this.grown = new ResizeObserver(() => this.fit());
    this.list.addEventListener("shown", () => this.watchAbove());
    const wanted = Number(this.main.dataset.current);
    const found = this.drafts.findIndex((draft) => draft.id === wanted);
    if (this.drafts.length) this.go(Math.max(0, found), { focus: false });
    const watcher = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && this.more());
    watcher.observe(document.querySelector("[data-loading]"));
    addEventListener("popstate", () => this.show());
    document.querySelector("[data-loading]").hidden = !this.nextUrl;
  }

  get view() {
    return this.main.dataset.view;
  }

  get isOne() {
    return this.main.dataset.mode === "one";
  }

  get current() {
    return this.drafts[this.index];
  }

  /** The address of the current draft, large. */
  get path() {
    return `/review/${this.current.id}${location.search}`;
  }

  get nextUrl() {
    return this.list.querySelector("template[data-next]")?.dataset.next ?? null;
  }

  /** @param {Element} element @returns {Draft|undefined} the draft that it stands in */
  of(element) {
    const li = element.closest("li.draft");
    return this.drafts.find((draft) => draft.element === li);
  }

  /** @param {number} index @param {{focus?: boolean}} [how] */
  go(index, { focus = true } = {}) {
    if (index < 0 || index >= this.drafts.length) return;
    this.leaveEnd();
    delete this.current.element.dataset.current;
    this.index = index;
    const draft = this.current;
    draft.element.dataset.current = "";
    this.showPosition();
    if (this.isOne) {
      for (const near of [draft, this.drafts[index + 1], this.drafts[index - 1], this.drafts[index + 2]]) near?.preload();
      const { path } = this;
      if (location.pathname + location.search !== path) history.replaceState(history.state, "", path);
    }
    if (focus) {
      // A blank waits for words: where a keyboard would cover half of the screen, for a tap; after a
      // shortcut for E, so that the next one of somebody in a hurry doesn't become its text.
      const mayWrite = matchMedia("(hover: hover)").matches && !byShortcut();
      const isBlank = this.isOne && mayWrite && draft.textarea?.value.trim() === "";
      (isBlank ? draft.textarea : draft.card).focus({ preventScroll: this.isOne });
      if (this.isOne) scrollTo({ top: Math.min(scrollY, this.list.offsetTop - 80) });
      else draft.element.scrollIntoView({ block: "nearest" });
    }
    this.fit();
    this.watchAbove();
    if (index >= this.drafts.length - AHEAD) this.more();
  }

  /** On a small screen bring the text above the actions, as far as the picture stays in sight. */
  fit() {
    const { textarea, element } = this.current ?? {};
    if (!this.isOne || !textarea || !small.matches) return;
    const over = textarea.getBoundingClientRect().bottom - element.querySelector(".draft__actions").getBoundingClientRect().top;
    const { top, height } = element.querySelector(".draft__picture").getBoundingClientRect();
    const by = Math.min(over + 8, top + height * HIDDEN_MOST);
    if (over > 0 && by > 0) scrollBy({ top: by, behavior: "instant" });
  }

  /** Fit again whenever what stands above the current text has changed in size. */
  watchAbove() {
    const above = [...(this.current?.element.querySelectorAll(ABOVE) ?? [])];
    if (above.length === this.above.length && above.every((one, at) => one === this.above[at])) return;
    this.above = above;
    this.grown.disconnect();
    for (const one of above) this.grown.observe(one);
  }

  /** @param {number} by */
  async step(by) {
    if (this.isAtEnd) return by < 0 ? this.go(this.drafts.length - 1) : undefined;
    if (this.index + by >= this.drafts.length && this.nextUrl) await this.more();
    if (this.drafts[this.index + by]) this.go(this.index + by);
    else announce(by > 0 ? "This is the last picture." : "This is the first picture.");
  }

  /** Go on after a decision: to the next draft that waits, or to the end. */
  async onward() {
    if (this.view !== "draft") return this.step(1);
    const waits = (draft) => draft.status === "draft";
    let next = this.drafts.findIndex((draft, at) => at > this.index && waits(draft));
    while (next < 0 && this.nextUrl) {
      if (!(await this.more())) break;
      next = this.drafts.findIndex((draft, at) => at > this.index && waits(draft));
    }
    if (next < 0) next = this.drafts.findIndex(waits);
    if (next >= 0) this.go(next);
    else this.showEnd();
  }

  showEnd() {
    this.isAtEnd = true;
    if (this.isOne) this.list.hidden = true;
    this.end.querySelector("h2").textContent = "You have reviewed them all";
    this.end.hidden = false;
    this.end.querySelector("[data-first]").hidden = !this.isOne;
    this.end.focus();
    this.end.scrollIntoView({ block: "nearest" });
  }

  leaveEnd() {
    if (!this.isAtEnd) return;
    this.isAtEnd = false;
    this.list.hidden = false;
    this.end.hidden = true;
  }

  showPosition() {
    const set = (name, words) => {
      const place = document.querySelector(`[data-${name}]`);
      if (place) place.textContent = words;
    };
    set("position", String(this.index + 1));
    // What was decided here stays on the page, and counts on.
    const of = Math.max(this.drafts.length, this.nextUrl ? this.total : 0).toLocaleString("en");
    set("of", of);
    this.current?.name(this.index + 1, of);
  }

  /**
   * Show one picture large, or all: the browser's Back closes what was opened here.
   * @param {"one"|"grid"} mode
   */
  setMode(mode) {
    if (mode === "one") history.pushState({ wasOpened: true }, "", this.path);
    else if (history.state?.wasOpened) history.back();
    else history.replaceState(null, "", `/review${location.search}`);
    this.showMode(mode);
  }

  /** Show what the address says, since somebody went back or forward. */
  show() {
    const id = Number(/^\/review\/(\d+)$/.exec(location.pathname)?.[1]);
    const found = this.drafts.findIndex((draft) => draft.id === id);
    if (found >= 0) this.go(found, { focus: false });
    const mode = found >= 0 ? "one" : "grid";
    if (mode !== this.main.dataset.mode) this.showMode(mode);
  }

  /** @param {"one"|"grid"} mode */
  showMode(mode) {
    this.main.dataset.mode = mode;
    document.querySelector("[data-toggle-mode] [data-words]").textContent =
      mode === "one" ? "Grid" : "One at a time";
    this.list.hidden = mode === "one" && this.isAtEnd;
    for (const draft of this.drafts) draft.showText();
    this.go(this.index);
    announce(mode === "one" ? "One picture at a time" : "Grid");
  }

  /** Fetch the drafts that follow. @returns {Promise<boolean>} whether there were any */
  more() {
    const url = this.nextUrl;
    if (!url) return Promise.resolve(false);
    this.loading ??= this.fetchMore(url).finally(() => (this.loading = null));
    return this.loading;
  }

  /**
   * Put a document's drafts behind those on the page; what stands there already is left out.
   * @param {Document} fresh @returns {Draft|undefined} the first of them
   */
  add(fresh) {
    const known = new Set(this.drafts.map((draft) => draft.id));
    const next = this.list.querySelector("template[data-next]");
    const added = [];
    for (const part of fresh.querySelectorAll("li.draft")) {
      if (known.has(JSON.parse(part.dataset.draft).id)) continue;
      const element = document.adoptNode(part);
      this.list.insertBefore(element, next);
      localise(element);
      added.push(new Draft(element));
    }
    this.drafts.push(...added);
    for (const draft of added) draft.showText();
    added[0]?.tell();
    this.showPosition();
    return added[0];
  }

  /** Show the view anew, from its first draft: many have come or gone. */
  async reload() {
    await this.loading;
    const query = new URLSearchParams(location.search);
    query.set("status", this.view);
    const fresh = await page(`/review/cards?${query}`);
    const next = fresh.querySelector("template[data-next]");
    const numbers = JSON.parse(fresh.querySelector("template[data-numbers]").dataset.numbers);
    takeNumbers(numbers);
    this.main.dataset.at = numbers.at;
    this.list.dispatchEvent(new CustomEvent("reloaded"));
    this.leaveEnd();
    this.list.replaceChildren();
    this.drafts = [];
    this.index = 0;
    this.total = inView(this.view);
    this.add(fresh);
    if (next) this.list.append(document.adoptNode(next));
    document.querySelector("[data-loading]").hidden = !next;
    if (!this.drafts.length) return this.showEnd();
    this.list.hidden = false;
    this.end.hidden = true;
    this.go(0, { focus: false });
    scrollTo({ top: 0 });
  }

  async fetchMore(url) {
    const notice = document.querySelector("[data-loading]");
    try {
      const fresh = await page(url);
      this.list.querySelector("template[data-next]")?.remove();
      const next = fresh.querySelector("template[data-next]");
      this.add(fresh);
      if (next) this.list.append(document.adoptNode(next));
    } catch {
      notice.firstElementChild.textContent = "The next pictures could not be loaded. Go on, and they are tried again.";
      return false;
    }
    notice.hidden = !this.nextUrl;
    this.showPosition();
    return true;
  }
}
