// The menu of a chart: copies what it offers, and closes with escape. Where the clipboard is shut, as on plain http, the
// old way is tried; where that fails too, the text is left selected for the keys. Knows no chart, and no words (#said).

const told = document.querySelector("#spoken"), said = document.querySelector("#said").dataset, LONG = 2500;

document.addEventListener("click", async ({ target }) => {
  const button = target.closest?.("button.copy");
  if (!button) return;
  const source = button.parentElement.querySelector("textarea, a");
  const done = await copied(source.value ?? source.href, source, button);
  const word = done ? said.copied : said.selected, [label] = button.childNodes, before = label.textContent;
  told.textContent = word;
  if (!done || button.dataset.done) return;
  [label.textContent, button.dataset.done] = [word, "true"];
  setTimeout(() => {
    [label.textContent, told.textContent] = [before, ""];
    delete button.dataset.done;
  }, LONG);
});

async function copied(text, source, button) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = source.value === undefined ? beside(source, text) : source;
    field.select();
    const done = document.execCommand("copy");
    if (done) button.focus();
    return done;
  }
}

// An address as text that can be selected; it goes when one goes on.
function beside(link, text) {
  const field = Object.assign(document.createElement("textarea"), { value: text, readOnly: true, rows: 1 });
  field.addEventListener("blur", () => field.remove());
  link.after(field);
  return field;
}

document.addEventListener("keydown", ({ key, target }) => {
  const menu = key === "Escape" && document.querySelector(".menu[open]");
  if (!menu) return;
  menu.open = false;
  if (menu.contains(target)) menu.querySelector("summary").focus();
});
