/** Decides about all drafts that the page is narrowed to, by what the server knows of them: loaded here or not. */

import { tell } from "../announce.js";
import { call } from "../api.js";
import { ask } from "../dialogs.js";
import { inState } from "./counts.js";
import { RESULT } from "./decisions.js";
import { narrowed, wanted } from "./narrowed.js";

/** Milliseconds between two looks at how far a decision about thousands is. */
const LOOK_MS = 1000;
/** What each dialog says; "one" and "many" of its number. */
const WORDS = {
  approve: {
    one: "draft has no warning and will be approved.",
    many: "drafts have no warning and will be approved.",
    button: "Approve",
    goes: "Approving",
    gone: "approved",
  },
  skip: { one: "draft will be skipped.", many: "drafts will be skipped.", button: "Skip", goes: "Skipping", gone: "skipped" },
};

/**
 * Ask, with the number of those that it takes, and do it: one request, and one undo.
 * @param {import("./deck.js").Deck} deck @param {import("./decisions.js").Decisions} decisions
 * @param {"approve"|"skip"} action approve: never what is unsure or has a warning
 */
export async function decideByFilter(deck, decisions, action) {
  const dialog = document.getElementById(`${action}-many-dialog`);
  if (!dialog) return;
  const saved = await Promise.all(deck.drafts.map((draft) => draft.saver.save()));
  if (saved.includes(false)) return tell("Some texts are not saved yet. Look at them first.", { problem: true });
  const level = dialog.querySelector("[data-level]");
  const words = dialog.querySelector("[data-many-words]");
  const confirm = dialog.querySelector("[data-confirm]");
  const said = WORDS[action];
  let confirmed = {};
  let total = 0;
  let number = 0;

  async function count() {
    const mine = (number += 1);
    confirm.disabled = true;
    words.textContent = "Counting …";
    const asked = action === "approve" ? { ...wanted(), has_warnings: false } : wanted();
    if (level?.value) asked.level = level.value.split(",");
    try {
      const found = await call("GET", `/drafts/approvable?${new URLSearchParams({ ...asked, decision: action })}`);
      if (mine !== number) return; // another level was chosen meanwhile
      confirmed = { ...asked, until: found.at };
      total = found.count;
      const many = total.toLocaleString("en");
      words.textContent = total ? `${many} ${total === 1 ? said.one : said.many}` : "No draft is like this.";
      confirm.textContent = total ? `${said.button} ${many}` : said.button;
      confirm.disabled = !total;
    } catch (problem) {
      if (mine === number) words.textContent = problem.message;
    }
  }

  if (level) level.onchange = count;
  count();
  const answer = await ask(dialog, async () => {
    words.textContent = `${said.goes} ${total.toLocaleString("en")} …`;
    if (level) level.disabled = true;
    deck.isDecidingMany = true;
    const stop = watched(dialog, RESULT[action], total, said.gone);
    try {
      return await call("POST", `/drafts/${action}`, { filter: confirmed });
    } catch (problem) {
      deck.isDecidingMany = false;
      count(); // the answer may have got lost, not the request
      throw problem;
    } finally {
      stop();
      if (level) level.disabled = false;
    }
  });
  number += 1;
  if (!answer) return;
  try {
    await decisions.tookMany(action, answer.ids);
  } finally {
    deck.isDecidingMany = false;
  }
}

/**
 * Show how far a decision about many is, by what the server counts meanwhile.
 * @param {HTMLDialogElement} dialog @param {string} status that drafts come to
 * @param {number} total how many do @param {string} gone in words
 * @returns {() => void} ends it
 */
function watched(dialog, status, total, gone) {
  const bar = dialog.querySelector("[data-many-progress]");
  const words = dialog.querySelector("[data-many-words]");
  const before = inState(status);
  const query = new URLSearchParams(narrowed());
  let isOver = false;
  bar.max = total;
  bar.removeAttribute("value"); // until it is known
  bar.hidden = false;
  const timer = setInterval(async () => {
    const said = await call("GET", `/drafts/counts?${query}`).catch(() => null);
    if (!said || isOver) return;
    bar.value = Math.min(Math.max(said.counts[status] - before, 0), total);
    words.textContent = `${bar.value.toLocaleString("en")} of ${total.toLocaleString("en")} ${gone} …`;
  }, LOOK_MS);
  return () => {
    isOver = true;
    clearInterval(timer);
    bar.hidden = true;
  };
}
