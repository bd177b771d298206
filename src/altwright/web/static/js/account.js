/** The page of an account's names and style: saves them, and loses nothing that was typed. */

import { tell } from "./announce.js";
import { call } from "./api.js";
import { followToReview } from "./navigation.js";

const form = document.querySelector("[data-context]");
const summary = form.querySelector("[data-context-error]");
const button = form.querySelector("[type=submit]");
let version = Number(form.dataset.version);
let saved = JSON.stringify(wanted());
/** Where what is being saved waits, in case that its writer has to sign in first. */
const KEY = `altwright.names.${form.dataset.account}`;
let kept = "";
if (button) restore();

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!button || button.getAttribute("aria-disabled") === "true") return;
  show("", {});
  const body = wanted();
  button.setAttribute("aria-disabled", "true");
  let isSignedOut = false;
  keep(body);
  try {
    const path = `/accounts/${form.dataset.account}/context`;
    version = (await call("PUT", path, { ...body, version })).version;
    saved = JSON.stringify(body);
    tell("Saved. Pictures that are described from now on go by it.");
  } catch (problem) {
    isSignedOut = problem.status === 401;
    show(problem.message, problem.fields);
  } finally {
    if (!isSignedOut) keep(null);
    button.setAttribute("aria-disabled", "false");
  }
});

addEventListener("beforeunload", (event) => {
  if (button && ![saved, kept].includes(JSON.stringify(wanted()))) event.preventDefault();
});
followToReview();
document.documentElement.dataset.ready = "";

/** @param {object|null} typed what waits; null: nothing */
function keep(typed) {
  try {
    if (typed) sessionStorage.setItem(KEY, JSON.stringify({ version, typed }));
    else sessionStorage.removeItem(KEY);
    kept = typed ? JSON.stringify(typed) : "";
  } catch {
    kept = ""; // storage is full or forbidden: the browser asks before the page is left
  }
}

/** Bring back what waits, with the version that it was typed over: nothing newer is replaced. */
function restore() {
  const waiting = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  if (!waiting) return;
  for (const [name, value] of Object.entries(waiting.typed)) {
    const field = form.elements.namedItem(name);
    if (typeof value === "boolean") field.checked = value;
    else field.value = value;
  }
  version = waiting.version;
  kept = JSON.stringify(waiting.typed);
  tell("What you typed is here again, and not saved yet.");
}

/** Return what the form says. */
function wanted() {
  const data = new FormData(form);
  return {
    names: String(data.get("names")),
    length: String(data.get("length")),
    tone: String(data.get("tone")),
    never_name_people: data.has("never_name_people"),
    own_words: String(data.get("own_words")),
    reuse_texts: data.has("reuse_texts"),
  };
}

/** @param {string} words "": nothing is wrong @param {Object<string, string>} fields */
function show(words, fields) {
  summary.textContent = words;
  summary.hidden = !words;
  for (const name of ["names", "own_words"]) {
    const place = document.getElementById(`${name}-error`);
    place.textContent = fields[name] ? `This ${fields[name]}.` : "";
    place.hidden = !fields[name];
    const field = form.elements.namedItem(name);
    if (fields[name]) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }
  const first = ["names", "own_words"].find((name) => fields[name]);
  if (first) form.elements.namedItem(first).focus();
  else if (words) summary.focus();
}
