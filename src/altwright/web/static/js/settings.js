/** The page of settings: shows those alone whose name or description has the words typed. */

import { announce } from "./announce.js";

const find = document.getElementById("find");
const found = document.querySelector("[data-found]");
const groups = [...document.querySelectorAll("form.admin-settings")];
/** What is searched of each field. @type {Map<HTMLElement, string>} */
const words = new Map(
  [...document.querySelectorAll(".admin-settings .field")].map((field) => [field, plain(field.textContent)]),
);

find.addEventListener("input", show);
document.documentElement.dataset.ready = "";
show(); // a browser that comes back fills in what was typed

/** Names are found however one writes them: RQ_MAX, "rq max". @param {string} text */
function plain(text) {
  return text.toLowerCase().replace(/[\s_]+/g, " ").trim();
}

function show() {
  const wanted = plain(find.value);
  let count = 0;
  for (const [field, text] of words) {
    field.hidden = !text.includes(wanted);
    count += field.hidden ? 0 : 1;
  }
  for (const group of groups) group.hidden = !group.querySelector(".field:not([hidden])");
  found.hidden = !wanted;
  if (!wanted) return;
  found.textContent = `${count} ${count === 1 ? "setting" : "settings"} with “${find.value.trim()}”.`;
  announce(found.textContent);
}
