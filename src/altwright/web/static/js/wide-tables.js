/** Wide tables: whoever goes on with the keyboard sees all of where they are, not its edge alone. */

document.addEventListener("focusin", ({ target }) => {
  if (target.parentElement?.closest(".table-scroll")) target.scrollIntoView({ block: "nearest", inline: "nearest" });
});
