/** The texts that a draft has had: shown with who wrote them and when, and brought back. */

import { tell } from "../announce.js";
import { call } from "../api.js";
import { localise } from "../times.js";
import { describerTitle } from "../words.js";

/** @typedef {import("./draft.js").Draft} Draft */
/** @typedef {import("../api.js").DraftJson} DraftJson */
/**
 * @typedef {{id: number, kind: string, text: string, describer: string, model: string,
 *   by: string|null, at: string, is_current: boolean}} DraftText
 */

/** @param {Draft} draft @returns {Promise<DraftText[]>} newest first */
export async function textsOf(draft) {
  return (await call("GET", `/drafts/${draft.id}/texts`)).texts;
}

/**
 * The text that a draft had before the one that it has now: always an older one, so that going
 * back ends at the first, even where the same words come twice.
 * @param {DraftText[]} texts newest first @param {string} now
 */
export function former(texts, now) {
  const at = texts.findIndex((one) => one.is_current);
  return texts.slice(at + 1).find((one) => one.text !== now);
}

/**
 * Bring a text back, and show the draft as it is then.
 * @param {Draft} draft @param {number} id the text's
 */
export async function restore(draft, id) {
  await draft.saver.mustSave();
  await draft.after(async () => {
    const body = { version: draft.data.version };
    await call("POST", `/drafts/${draft.id}/texts/${id}/restore`, body);
    await draft.replace();
  });
}

/**
 * Bring back what a draft said: the very text where that is known, since words may come twice.
 * @param {Draft} draft @param {{text: string, text_id?: number|null}} said
 */
export async function bringBack(draft, said) {
  const same = (await textsOf(draft)).filter((one) => one.text === said.text);
  const known = same.find((one) => one.id === said.text_id) ?? same[0];
  if (known) return restore(draft, known.id);
  await draft.saver.mustSave();
  await draft.after(async () => {
    await call("PATCH", `/drafts/${draft.id}`, { text: said.text, version: draft.data.version });
    await draft.replace();
  });
}

/** @param {DraftText} text */
export function origin(text) {
  if (text.kind === "written") return `Written by ${text.by ?? "somebody"}`;
  if (text.kind === "published") return "Published";
  if (text.kind === "server") return "Found on the server";
  return `Written by ${describerTitle(text.describer)}${text.by ? `, mended by ${text.by}` : ""}`;
}

/**
 * Show a draft's texts, and bring back the one that is chosen.
 * @param {Draft} draft
 * @param {(before: DraftJson) => void} replaced told of the draft whose text another has replaced
 * @param {(text: string) => void} correct takes a text that is to be published in place of another
 */
export async function showTexts(draft, replaced, correct) {
  const dialog = document.getElementById("texts-dialog");
  const list = dialog.querySelector("[data-texts]");
  const loading = dialog.querySelector("[data-texts-loading]");
  const error = dialog.querySelector("[data-dialog-error]");
  list.replaceChildren();
  list.hidden = error.hidden = true;
  loading.hidden = false;
  dialog.showModal();
  try {
    if (draft.isOpen) await draft.saver.save();
    const texts = await textsOf(draft);
    list.append(...texts.map((one) => item(one, draft)));
    list.hidden = false;
  } catch (problem) {
    error.textContent = problem.message;
    error.hidden = false;
  } finally {
    loading.hidden = true;
  }
  list.onclick = async (event) => {
    const button = event.target.closest("[data-restore]");
    if (!button) return;
    const before = draft.data;
    if (!draft.isOpen) {
      dialog.close();
      return correct(button.closest("li").querySelector("[data-words]").textContent);
    }
    try {
      await restore(draft, Number(button.value));
      dialog.close();
      replaced(before);
      tell("The text is back.");
    } catch (problem) {
      error.textContent = problem.message;
      error.hidden = false;
    }
  };
}

/**
 * Put a text that the card shows in place of the draft's.
 * @param {Draft} draft @param {string} words @param {string} said when it is done
 * @param {(before: DraftJson) => void} replaced told of the draft whose text another has replaced
 */
export async function takeText(draft, words, said, replaced) {
  try {
    await draft.saver.mustSave();
    const before = draft.data;
    await bringBack(draft, { text: words });
    replaced(before);
    tell(said);
  } catch (problem) {
    tell(problem.message, { problem: true });
  }
}

/** @param {DraftText} text @param {Draft} draft */
function item(text, draft) {
  const element = document.getElementById("text-item").content.firstElementChild.cloneNode(true);
  const name = origin(text);
  element.querySelector("[data-origin]").textContent = `${name},`;
  element.querySelector("time").setAttribute("datetime", text.at);
  localise(element);
  const words = element.querySelector("[data-words]");
  words.textContent = text.text || "No text";
  words.lang = text.language;
  element.querySelector("[data-current]").hidden = !text.is_current;
  const button = element.querySelector("[data-restore]");
  // What is published can be replaced by other words only.
  const mayChange = document.getElementById("correct-dialog") !== null;
  const isPublished = mayChange && draft.status === "published" && text.text && text.text !== draft.data.text;
  button.hidden = text.is_current || !(draft.isOpen || isPublished);
  button.value = String(text.id);
  if (!draft.isOpen) button.textContent = "Publish this text instead";
  button.setAttribute("aria-label", `${button.textContent}: ${text.text.slice(0, 60)}`);
  return element;
}
