/** The list of what will be published: which texts are ticked is known of all, shown are some at a time. */

import { call } from "../api.js";
import { narrowed } from "./narrowed.js";

/** @typedef {import("../api.js").DraftJson} DraftJson */

/** Texts that are shown at a time. */
const ROWS = 25;

const shown = (/** @type {number} */ count) => count.toLocaleString("en");

export class Preview {
  /** @param {HTMLDialogElement} dialog */
  constructor(dialog) {
    this.dialog = dialog;
    this.most = Number(dialog.dataset.most);
    this.list = this.part("preview");
    this.only = this.part("only");
    this.all = this.part("pick-all");
    this.isOnly = false;
    this.at = 0;
    /** @type {number[]} of everything that is approved, in order */
    this.ids = [];
    /** @type {Map<number, number>} the post of each */
    this.posts = new Map();
    /** @type {Set<number>} those that would take other words away */
    this.replacing = new Set();
    /** @type {Set<number>} */
    this.ticked = new Set();
    this.number = 0;
    this.list.onchange = (event) => this.tick(event.target);
    this.only.onclick = () => this.narrow(!this.isOnly);
    this.all.onchange = () => this.tickAll(this.all.checked);
    for (const button of dialog.querySelectorAll("[data-page]")) {
      button.onclick = () => this.turn(Number(button.dataset.page));
    }
  }

  /** @param {string} name @returns {HTMLElement} */
  part(name) {
    return this.dialog.querySelector(`[data-${name}]`);
  }

  /** What is ticked, in order; no more than one request takes. @returns {number[]} */
  get chosen() {
    return this.ids.filter((id) => this.ticked.has(id)).slice(0, this.most);
  }

  /** What the list goes through. @returns {number[]} */
  get listed() {
    return this.isOnly ? this.ids.filter((id) => this.replacing.has(id)) : this.ids;
  }

  get page() {
    return this.listed.slice(this.at, this.at + ROWS);
  }

  /** Ask what there is, and show the beginning. */
  async open() {
    const loading = this.part("publish-loading");
    loading.hidden = false;
    for (const name of ["preview", "preview-bar", "replaces", "most"]) this.part(name).hidden = true;
    this.part("confirm").disabled = true;
    this.part("publish-count").textContent = "approved texts";
    try {
      const said = await call("GET", `/drafts/publishable?${new URLSearchParams(narrowed())}`);
      this.ids = said.ids;
      this.posts = new Map(said.ids.map((id, at) => [id, said.post_ids[at]]));
      this.replacing = new Set(said.replacing);
      this.ticked = new Set(said.ids.filter((id) => !this.replacing.has(id)));
      const many = this.replacing.size;
      this.part("replacing").textContent =
        many === 1
          ? "1 text would replace another one on its server, and is not ticked."
          : `${shown(many)} texts would replace others on their server, and are not ticked.`;
      this.part("replaces").hidden = !many;
      this.only.hidden = many === this.ids.length;
      await this.narrow(false);
      this.part("preview-bar").hidden = this.list.hidden = !this.ids.length;
    } catch (problem) {
      this.fail(problem);
    } finally {
      loading.hidden = true;
    }
  }

  /** @param {Error} problem */
  fail(problem) {
    const error = this.part("dialog-error");
    error.textContent = problem.message;
    error.hidden = false;
  }

  /** @param {boolean} isOnly whether only those are listed that replace something */
  narrow(isOnly) {
    this.isOnly = isOnly;
    this.only.setAttribute("aria-pressed", String(isOnly));
    this.at = 0;
    return this.show();
  }

  /** @param {number} by pages */
  turn(by) {
    const to = this.at + by * ROWS;
    if (to < 0 || to >= this.listed.length) return;
    this.at = to;
    this.show();
  }

  /** Show the page of the list that is meant. */
  async show() {
    const mine = (this.number += 1);
    const { page } = this;
    this.list.setAttribute("aria-busy", "true");
    let drafts = [];
    try {
      const query = new URLSearchParams({ ids: page.join(","), limit: String(ROWS) });
      if (page.length) drafts = (await call("GET", `/drafts?${query}`)).drafts;
    } catch (problem) {
      return this.fail(problem);
    } finally {
      if (mine === this.number) this.list.removeAttribute("aria-busy");
    }
    if (mine !== this.number) return; // another page was turned to meanwhile
    const there = new Set(drafts.filter((draft) => draft.status === "approved").map((draft) => draft.id));
    this.drop(page.filter((id) => !there.has(id)));
    this.list.replaceChildren(...this.items(drafts.filter((draft) => there.has(draft.id))));
    this.list.scrollTop = 0;
    this.showRange();
    this.sum();
  }

  /** Leave out what is approved no more. @param {number[]} gone */
  drop(gone) {
    if (!gone.length) return;
    const ids = new Set(gone);
    this.ids = this.ids.filter((id) => !ids.has(id));
    for (const id of gone) {
      this.ticked.delete(id);
      this.replacing.delete(id);
    }
  }

  showRange() {
    const { length } = this.listed;
    const end = Math.min(this.at + ROWS, length);
    this.part("range").textContent = `${shown(Math.min(this.at + 1, length))} to ${shown(end)} of ${shown(length)}`;
    this.part("preview-pages").hidden = length <= ROWS;
    for (const button of this.dialog.querySelectorAll("[data-page]")) {
      const to = this.at + Number(button.dataset.page) * ROWS;
      const had = document.activeElement === button;
      button.disabled = to < 0 || to >= length;
      if (had && button.disabled) this.list.focus();
    }
  }

  /** Say how many texts go to how many posts, as they are ticked. */
  sum() {
    const { chosen } = this;
    const posts = new Set(chosen.map((id) => this.posts.get(id))).size;
    const words = `${shown(chosen.length)} ${chosen.length === 1 ? "text" : "texts"}`;
    this.part("publish-count").textContent = `${words} to ${shown(posts)} ${posts === 1 ? "post" : "posts"}`;
    this.part("confirm").disabled = !chosen.length;
    this.part("most").hidden = this.ticked.size <= this.most;
    const { inAll } = this;
    const count = inAll.filter((id) => this.ticked.has(id)).length;
    this.all.checked = count > 0 && count === inAll.length;
    this.all.indeterminate = count > 0 && count < inAll.length;
    this.all.disabled = !inAll.length;
    const others = this.replacing.size ? " that replace no other text" : "";
    this.part("pick-all-words").textContent = this.isOnly
      ? `All ${shown(inAll.length)} on this page`
      : `All ${shown(inAll.length)}${others}`;
  }

  /** What "all" ticks: of texts that replace others only those that are in sight. @returns {number[]} */
  get inAll() {
    return this.isOnly ? this.page : this.ids.filter((id) => !this.replacing.has(id));
  }

  /** @param {HTMLInputElement} box */
  tick(box) {
    this.ticked[box.checked ? "add" : "delete"](Number(box.value));
    this.sum();
  }

  /** @param {boolean} isTicked */
  tickAll(isTicked) {
    for (const id of this.inAll) this.ticked[isTicked ? "add" : "delete"](id);
    for (const box of this.list.querySelectorAll("[data-pick]")) box.checked = this.ticked.has(Number(box.value));
    this.sum();
  }

  /** @param {DraftJson[]} drafts in order @returns {Element[]} one of each post */
  items(drafts) {
    /** @type {Map<number, DraftJson[]>} */
    const posts = new Map();
    for (const draft of drafts) posts.set(draft.post.id, [...(posts.get(draft.post.id) ?? []), draft]);
    return [...posts.values()].map((some) => this.item(some));
  }

  /** @param {DraftJson[]} drafts of one post */
  item(drafts) {
    const element = document.getElementById("preview-item").content.firstElementChild.cloneNode(true);
    const { post } = drafts[0];
    const title = element.querySelector(".preview__title");
    title.textContent = post.text.replace(/\s+/g, " ").trim() || "A post without words";
    if (post.text.trim() && post.language) title.lang = post.language;
    element.querySelector(".preview__texts").append(...drafts.map((draft) => this.line(draft)));
    return element;
  }

  /** @param {DraftJson} draft */
  line(draft) {
    const line = document.getElementById("preview-text").content.firstElementChild.cloneNode(true);
    const box = line.querySelector("[data-pick]");
    const isReplacing = this.replacing.has(draft.id);
    box.value = String(draft.id);
    box.checked = this.ticked.has(draft.id);
    box.setAttribute("aria-label", `Publish: ${draft.text}`);
    line.querySelector("img").src = draft.picture.thumbnail_url;
    const now = line.querySelector("[data-now]");
    now.classList.toggle("preview__replaces", isReplacing);
    const theirs = now.querySelector("dd");
    theirs.textContent = draft.picture.published_text || "No alt text";
    theirs.id = `now-${draft.id}`;
    if (isReplacing) box.setAttribute("aria-describedby", theirs.id); // heard before it is ticked
    const becomes = line.querySelector("[data-becomes]");
    becomes.lang = draft.language;
    becomes.textContent = draft.text;
    return line;
  }
}
