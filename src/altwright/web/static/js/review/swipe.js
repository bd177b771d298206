/** Swiping one picture: to the right approves it, to the left skips it. The buttons do the same. */

import { tell } from "../announce.js";
import { RESULT } from "./decisions.js";

/** Pixels from which a touch is a swipe, and from which it decides. */
const BEGINS = 12;
const DECIDES = 96;
const WORDS = { approve: "Approved.", skip: "Skipped." };
/** What a finger works by itself. */
const OWN = "textarea, button, a, input, select, summary";

/** @param {import("./deck.js").Deck} deck @param {import("./decisions.js").Decisions} decisions */
export function bindSwipe(deck, decisions) {
  const isStill = matchMedia("(prefers-reduced-motion: reduce)");
  let swipe = null;

  deck.list.addEventListener("pointerdown", (event) => {
    const draft = deck.of(event.target);
    if (!deck.isOne || event.pointerType === "mouse" || !event.isPrimary) return;
    if (!draft?.isOpen || event.target.closest(OWN)) return;
    swipe = { draft, card: draft.card, x: event.clientX, y: event.clientY, id: event.pointerId, by: 0, isOn: false };
  });

  deck.list.addEventListener("pointermove", (event) => {
    if (event.pointerId !== swipe?.id) return;
    swipe.by = event.clientX - swipe.x;
    if (!swipe.isOn && Math.abs(event.clientY - swipe.y) > BEGINS) return end();
    if (!swipe.isOn && Math.abs(swipe.by) < BEGINS) return;
    swipe.isOn = true;
    if (!isStill.matches) swipe.card.style.translate = `${swipe.by}px`;
    swipe.card.dataset.swipe = action() ?? "";
  });

  deck.list.addEventListener("pointerup", (event) => {
    if (event.pointerId !== swipe?.id) return;
    const { draft } = swipe;
    const decided = action();
    end();
    if (!decided || draft.status === RESULT[decided]) return;
    decisions.decide(draft, decided);
    if (draft.status === RESULT[decided]) tell(WORDS[decided], { undo: () => decisions.undo() });
  });
  deck.list.addEventListener("pointercancel", end);

  function action() {
    if (!swipe.isOn || Math.abs(swipe.by) < DECIDES) return null;
    return swipe.by > 0 ? "approve" : "skip";
  }

  function end() {
    if (!swipe) return;
    swipe.card.style.translate = "";
    delete swipe.card.dataset.swipe;
    swipe = null;
  }
}
