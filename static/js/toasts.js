/* Toasts tell the outcome of the reader's own actions; the announcer says one sentence to assistive technology. */

const SHOWN_MS = 6000;

export function toast(text, { tone = "ok", undo = null } = {}) {
  const item = document.createElement("div");
  item.className = "toast";
  item.dataset.tone = tone;
  const words = document.createElement("div");
  words.className = "text";
  words.textContent = text;
  item.append(words);
  if (undo) item.append(button(gettext("Undo"), () => (undo(), item.remove())));
  item.append(button(gettext("Close"), () => item.remove()));
  document.querySelector("[data-toasts]").append(item);
  if (tone !== "bad") leaveLater(item);
  return item;
}

export function announce(text) {
  const place = document.querySelector("[data-announcer]");
  place.textContent = "";
  requestAnimationFrame(() => (place.textContent = text));
}

function button(label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "plain link";
  made.textContent = label;
  made.addEventListener("click", act);
  return made;
}

function leaveLater(item) {
  let timer = setTimeout(() => item.remove(), SHOWN_MS);
  const stay = () => clearTimeout(timer);
  const go = () => (timer = setTimeout(() => item.remove(), SHOWN_MS));
  for (const name of ["mouseenter", "focusin"]) item.addEventListener(name, stay);
  for (const name of ["mouseleave", "focusout"]) item.addEventListener(name, go);
}
