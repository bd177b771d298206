/** Shows instants in the reader's own time zone; the server writes them in UTC. */

const STYLES = {
  moment: new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" }),
  day: new Intl.DateTimeFormat("en-GB", { dateStyle: "long" }),
};

/** @param {ParentNode} root */
export function localise(root) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const at = new Date(element.getAttribute("datetime") ?? "");
    const style = STYLES[element.dataset.style] ?? STYLES.moment;
    if (!Number.isNaN(at.getTime())) element.textContent = style.format(at);
  }
}

localise(document);
