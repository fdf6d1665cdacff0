/* [data-copy="text"] copies its text, on plain HTTP too, and says so in place and aloud. */
import { announce } from "./toasts.js";

export function startCopying() {
  for (const button of document.querySelectorAll("[data-copy][hidden]")) button.hidden = false;
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) await copyText(button.dataset.copy, button.querySelector("[data-copy-word]"));
  });
}

export async function copyText(text, word = null) {
  const copied = await write(text);
  const said = copied ? gettext("Copied") : gettext("Press Ctrl+C to copy");
  announce(said);
  if (!word || word.dataset.before) return;
  word.dataset.before = word.textContent;
  word.textContent = said;
  setTimeout(() => {
    word.textContent = word.dataset.before;
    delete word.dataset.before;
  }, 2000);
}

async function write(text) {
  if (navigator.clipboard && window.isSecureContext) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch (refusal) {
      if (!(refusal instanceof DOMException)) throw refusal; // a refused permission: the older way still works
    }
  }
  return copyBySelection(text);
}

/* The clipboard API is missing on plain HTTP: select the text in a field that nobody sees, and copy that. */
function copyBySelection(text) {
  const field = document.createElement("textarea");
  const focused = document.activeElement;
  field.value = text;
  field.className = "visually-hidden";
  (focused?.closest("dialog[open]") ?? document.body).append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  focused?.focus({ preventScroll: true });
  return copied;
}
