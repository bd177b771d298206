/** The review page: brings its parts together. */

import { announce, tell } from "../announce.js";
import { followToReview } from "../navigation.js";
import { showTasks } from "../task-cards.js";
import { describeAgain, forget, remember } from "./again.js";
import { decideByFilter } from "./bulk.js";
import { Decisions } from "./decisions.js";
import { Deck } from "./deck.js";
import { follow } from "./follow.js";
import { bindKeys, bindSwitch } from "./keys.js";
import { mend } from "./mend.js";
import { correct, publish } from "./publish.js";
import { askOther } from "./other.js";
import { Selection } from "./selection.js";
import { bindSwipe } from "./swipe.js";
import { showTexts, takeText } from "./texts.js";

const deck = new Deck();
const decisions = new Decisions(deck);
const selection = new Selection(deck, decisions);
const help = document.getElementById("help-dialog");
const cards = document.querySelector("[data-cards]");

showTasks((task) => task.kind === cards.dataset.cards);
// What the address asks for can't be: nothing is shown, so nothing of it is to be kept current.
if ("faults" in deck.main.dataset) followToReview();
else follow(deck, decisions);
for (const draft of deck.drafts) draft.showText();
deck.fit();
// The page's own letters may come later, and be larger.
document.fonts.addEventListener("loadingdone", () => deck.fit(), { once: true });

/** @param {import("./draft.js").Draft|undefined} draft @param {string} action @param {string} [value] of its button */
function act(draft, action, value = "") {
  if (!draft) return;
  const replaced = (words) => (before) => decisions.wrote(draft, before, { words });
  const { described_text: described, picture } = draft.data;
  const acts = {
    again: () => describeAgain(draft, replaced("described again")),
    remember: () => remember(draft),
    forget: () => forget(draft),
    other: () => askOther(draft, replaced("another describer's text")),
    mend: () =>
      mend(draft, value, {
        again: () => act(draft, "again"),
        write: () => edit(draft),
        undo: () => decisions.undo(),
        replaced: replaced("mended text"),
      }),
    correct: () => correct(deck, decisions, draft),
    texts: () => showTexts(draft, replaced("text brought back"), (text) => correct(deck, decisions, draft, text)),
    describers: () => takeText(draft, described, "The describer's words are back.", replaced("describer's words")),
    "take-server": () =>
      takeText(draft, picture.published_text, "The server's text is here now.", replaced("server's text")),
    "keep-mine": () => draft.saver.settle(true),
    "take-theirs": () => draft.saver.settle(false),
  };
  (acts[action] ?? (() => decisions.decide(draft, action)))();
}

function toggleMode() {
  if (deck.drafts.length) deck.setMode(deck.isOne ? "grid" : "one");
}

/** @param {import("./draft.js").Draft|undefined} draft */
function edit(draft) {
  const field = draft?.textarea;
  if (!field) return;
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
}

deck.list.addEventListener("click", (event) => {
  const draft = deck.of(event.target);
  if (!draft) return;
  const button = event.target.closest("[data-act]");
  if (button) return act(draft, button.dataset.act, button.value);
  const opens = event.target.closest("[data-open], img");
  if (!opens || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  deck.go(deck.drafts.indexOf(draft), { focus: false });
  if (!deck.isOne) deck.setMode("one");
});

deck.list.addEventListener("focusin", (event) => {
  const draft = deck.of(event.target);
  if (draft && draft !== deck.current) deck.go(deck.drafts.indexOf(draft), { focus: false });
});

deck.list.addEventListener("input", (event) => {
  if (event.target.matches("[data-text]")) deck.of(event.target)?.saver.changed();
});

deck.list.addEventListener("written", (event) => {
  const draft = deck.of(event.target);
  if (draft) decisions.wrote(draft, event.detail.before, { isDecision: event.detail.isDecision });
});

deck.list.addEventListener("focusout", (event) => {
  if (event.target.matches("[data-text]")) deck.of(event.target)?.saver.save();
});

deck.list.addEventListener("keydown", (event) => {
  if (!event.target.matches("[data-text]") || event.isComposing) return;
  const draft = deck.of(event.target);
  if (event.key === "Escape") {
    event.preventDefault();
    draft.card.focus({ preventScroll: true });
  } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    act(draft, "approve");
  }
});

// No single-key shortcut (WCAG 2.1.4): it works where those are switched off.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || event.isComposing) return;
  if (deck.isOne && !document.querySelector("dialog[open]")) toggleMode();
});

bindKeys({
  j: () => deck.step(1),
  k: () => deck.step(-1),
  ArrowRight: () => deck.step(1),
  ArrowLeft: () => deck.step(-1),
  e: () => edit(deck.current),
  a: () => act(deck.current, "approve"),
  s: () => act(deck.current, "skip"),
  m: () => act(deck.current, "mend"),
  d: () => act(deck.current, "again"),
  r: () => act(deck.current, "remember"),
  o: () => act(deck.current, "other"),
  u: () => decisions.undo(),
  t: () => act(deck.current, "texts"),
  x: () => {
    const draft = deck.current;
    if (!draft) return;
    selection.toggle(draft);
    // Its box is to be seen in the grid only.
    (deck.isOne ? tell : announce)(`${draft.isSelected ? "Selected" : "Not selected"}, ${selection.chosen.length} in all`);
  },
  A: () => selection.decide("approve"),
  p: () => publish(deck, decisions),
  g: toggleMode,
  "?": () => help.showModal(),
});
bindSwipe(deck, decisions);
bindSwitch(help.querySelector("[data-shortcuts]"));

// On a narrow screen the tabs scroll: the one that is shown should be seen.
document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
on("[data-toggle-mode]", toggleMode);
on("[data-help]", () => help.showModal());
on("[data-previous]", () => deck.step(-1));
on("[data-following]", () => deck.step(1));
on("[data-publish]", () => publish(deck, decisions));
on("[data-approve-sure]", () => decideByFilter(deck, decisions, "approve"));
on("[data-skip-these]", () => decideByFilter(deck, decisions, "skip"));
on("[data-first]", () => deck.go(0));
document.documentElement.dataset.ready = "";

/** @param {string} selector @param {() => void} action */
function on(selector, action) {
  for (const element of document.querySelectorAll(selector)) element.addEventListener("click", action);
}

// Somebody leaves: what isn't saved is kept in this browser, and the browser asks once.
addEventListener("beforeunload", (event) => {
  if (deck.drafts.some((draft) => draft.saver.isDirty && draft.saver.failures)) event.preventDefault();
});
addEventListener("online", () => {
  for (const draft of deck.drafts) if (draft.saver.isDirty) draft.saver.save();
});
