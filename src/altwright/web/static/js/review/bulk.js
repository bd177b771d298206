/** Approves all drafts that are sure, by what the server knows of them: loaded here or not. */

import { tell } from "../announce.js";
import { call } from "../api.js";
import { ask } from "../dialogs.js";
import { wanted } from "./narrowed.js";

/** @param {import("./deck.js").Deck} deck @param {import("./decisions.js").Decisions} decisions */
export async function approveSure(deck, decisions) {
  const saved = await Promise.all(deck.drafts.map((draft) => draft.saver.save()));
  if (saved.includes(false)) return tell("Some texts are not saved yet. Look at them first.", { problem: true });
  const dialog = document.getElementById("sure-dialog");
  const level = dialog.querySelector("[data-level]");
  const words = dialog.querySelector("[data-sure-words]");
  const confirm = dialog.querySelector("[data-confirm]");
  let confirmed = {};
  let number = 0;

  async function count() {
    const mine = (number += 1);
    confirm.disabled = true;
    words.textContent = "Counting …";
    const asked = { ...wanted(), has_warnings: false };
    if (level?.value) asked.level = level.value.split(",");
    try {
      const said = await call("GET", `/drafts/approvable?${new URLSearchParams(asked)}`);
      if (mine !== number) return; // another level was chosen meanwhile
      confirmed = { ...asked, until: said.at };
      const many = said.count.toLocaleString("en");
      words.textContent = said.count
        ? `${many} ${said.count === 1 ? "draft has" : "drafts have"} no warning and will be approved.`
        : "No draft is like this.";
      confirm.textContent = said.count ? `Approve ${many}` : "Approve";
      confirm.disabled = !said.count;
    } catch (problem) {
      if (mine === number) words.textContent = problem.message;
    }
  }

  if (level) level.onchange = count;
  count();
  const answer = await ask(dialog, async () => {
    words.textContent = `${confirm.textContent.replace("Approve", "Approving")} …`;
    if (level) level.disabled = true;
    try {
      return await call("POST", "/drafts/approve", { filter: confirmed });
    } catch (problem) {
      count(); // the answer may have got lost, not the request
      throw problem;
    } finally {
      if (level) level.disabled = false;
    }
  });
  number += 1;
  if (!answer) return;
  await decisions.tookMany(answer.ids);
}
