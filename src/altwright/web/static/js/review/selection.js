/** Which drafts are selected, and what is done with all of them. */

import { tell } from "../announce.js";
import { RESULT } from "./decisions.js";

const WORDS = { approve: "Approve", skip: "Skip" };

export class Selection {
  /** @param {import("./deck.js").Deck} deck @param {import("./decisions.js").Decisions} decisions */
  constructor(deck, decisions) {
    this.deck = deck;
    this.decisions = decisions;
    this.all = document.querySelector("[data-select-all]");
    deck.list.addEventListener("shown", () => this.show());
    deck.list.addEventListener("change", (event) => event.target.matches("[data-select]") && this.show());
    this.all?.addEventListener("change", () => {
      for (const draft of deck.drafts) if (draft.checkbox) draft.checkbox.checked = this.all.checked;
      this.show();
    });
    for (const action of ["approve", "skip"]) {
      document.querySelector(`[data-${action}-selected]`)?.addEventListener("click", () => this.decide(action));
    }
    this.show();
  }

  get chosen() {
    return this.deck.drafts.filter((draft) => draft.isSelected);
  }

  /** @param {import("./draft.js").Draft} draft */
  toggle(draft) {
    if (!draft.checkbox) return;
    draft.checkbox.checked = !draft.checkbox.checked;
    this.show();
  }

  /** @param {"approve"|"skip"} action */
  async decide(action) {
    const chosen = this.chosen;
    if (!chosen.length) return tell("Nothing is selected.");
    if (this.isDeciding) return;
    this.isDeciding = true;
    await this.decisions.decideMany(chosen, action);
    this.isDeciding = false;
    for (const draft of chosen) if (draft.checkbox) draft.checkbox.checked = false;
    this.show();
  }

  show() {
    if (!this.all) return;
    const chosen = this.chosen;
    const count = chosen.length;
    for (const action of ["approve", "skip"]) {
      const button = document.querySelector(`[data-${action}-selected]`);
      if (!button) continue;
      const able = chosen.filter((draft) => draft.status !== RESULT[action]).length;
      button.hidden = able === 0;
      button.textContent = `${WORDS[action]} ${able} selected`;
    }
    const most = this.deck.drafts.filter((draft) => draft.checkbox).length;
    this.all.disabled = most === 0;
    this.all.checked = count > 0 && count === most;
    this.all.indeterminate = count > 0 && count < most;
  }
}
