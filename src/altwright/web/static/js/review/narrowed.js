/** What the address narrows the page to. */

/** Names in the address, and in the API. */
const NAMES = { account: "account_id", task: "task_id", level: "level", language: "language", kind: "kind" };

/** @returns {Object<string, string>} as a query of the API takes it */
export function narrowed() {
  const said = new URLSearchParams(location.search);
  const asked = {};
  for (const [name, member] of Object.entries(NAMES)) if (said.get(name)) asked[member] = said.get(name);
  const warning = said.get("warning");
  if (warning === "any" || warning === "none") asked.has_warnings = String(warning === "any");
  else if (warning) asked.warning = warning;
  return asked;
}

/** @returns {Object<string, any>} as a body of the API takes it */
export function wanted() {
  const body = narrowed();
  if (body.account_id) body.account_id = Number(body.account_id);
  for (const name of ["level", "language", "kind", "warning"]) if (body[name]) body[name] = [body[name]];
  if (body.has_warnings) body.has_warnings = body.has_warnings === "true";
  return body;
}
