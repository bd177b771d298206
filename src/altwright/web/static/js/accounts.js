/** The accounts page: connects, reconnects and disconnects. */

import { announce } from "./announce.js";
import { call } from "./api.js";
import { ask } from "./dialogs.js";
import { followToReview } from "./navigation.js";

/** Not there for who may only look, nor are the accounts' buttons. */
const form = document.querySelector("[data-connect]");
const summary = form?.querySelector("[data-connect-error]");
const NOTE = "altwright.accounts.note";

const told = sessionStorage.getItem(NOTE);
sessionStorage.removeItem(NOTE);
if (told) announce(told);

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  clear();
  const data = new FormData(form);
  const body = {
    platform: String(data.get("platform")),
    url: String(data.get("url")).trim(),
    token: String(data.get("token")).trim(),
  };
  const fields = {};
  if (!body.url) fields.url = "Write the server's address, like https://mastodon.example.";
  if (!body.token) fields.token = "Paste the access token.";
  if (Object.keys(fields).length) return show("Something is missing.", fields);
  const button = form.querySelector("[type=submit]");
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  button.textContent = "Asking the server …";
  try {
    const account = await call("POST", "/accounts", body);
    sessionStorage.setItem(NOTE, [`Connected ${account.acct}`, account.drafts_only].filter(Boolean).join(". "));
    location.assign("/accounts");
  } catch (problem) {
    show(problem.message, problem.fields);
    button.setAttribute("aria-disabled", "false");
    button.textContent = "Connect";
  }
});

for (const article of document.querySelectorAll("[data-account]")) {
  const account = JSON.parse(article.dataset.account);
  article.querySelector("[data-disconnect]")?.addEventListener("click", () => disconnect(account));
  article.querySelector("[data-reconnect]")?.addEventListener("click", () => {
    clear();
    form.elements.namedItem("url").value = account.url;
    form.querySelector(`[name=platform][value="${account.platform}"]`).checked = true;
    form.elements.namedItem("token").focus();
    announce(`Paste a new access token of ${account.acct}.`);
  });
}
followToReview();
document.documentElement.dataset.ready = "";

/** @param {{id: number, acct: string}} account */
async function disconnect(account) {
  const dialog = document.getElementById("disconnect-dialog");
  dialog.querySelector("[data-acct]").textContent = account.acct;
  if (!(await ask(dialog, () => call("DELETE", `/accounts/${account.id}`)))) return;
  sessionStorage.setItem(NOTE, `Disconnected ${account.acct}`);
  location.reload();
}

function clear() {
  summary.hidden = true;
  for (const name of ["url", "token"]) fault(name, "");
}

/** @param {string} words @param {Object<string, string>} fields */
function show(words, fields) {
  summary.textContent = words;
  summary.hidden = false;
  for (const [name, words] of Object.entries(fields)) fault(name, words);
  const first = ["url", "token"].find((name) => fields[name]);
  if (first) form.elements.namedItem(first).focus();
  else summary.focus();
}

/** @param {string} name @param {string} words "" clears it */
function fault(name, words) {
  const place = document.getElementById(`${name}-error`);
  if (!place) return;
  const sentence = words && /^(should|is|isn't|has|holds|can't)(?=\s)/.test(words) ? `This ${words}.` : words;
  place.textContent = sentence;
  place.hidden = !words;
  const field = form.elements.namedItem(name);
  if (words) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
}
