/* Try it: [data-try-open] brings the form into its card; a form [data-try] is sent here, its answer is put below it and,
   while it is awaited, asked for again. Without this module the same addresses are whole pages. */
import { fragment } from "./rest.js";

const AGAIN_MS = 700;

for (const link of document.querySelectorAll("[data-try-open]")) link.addEventListener("click", open);
for (const form of document.querySelectorAll("form[data-try]")) begin(form);
for (const answer of document.querySelectorAll("[data-try-answer]")) follow(answer);

async function open(event) {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const link = event.currentTarget;
  const place = link.closest("#try-it").querySelector("[data-try-form]");
  try {
    place.innerHTML = await fragment(link.href);
  } catch {
    location.assign(link.href); // the page says what is wrong
    return;
  }
  place.hidden = false;
  link.hidden = true;
  link.closest("#try-it").querySelector("[data-try-words]").hidden = true;
  const form = place.querySelector("form[data-try]");
  if (form) begin(form);
  (form?.querySelector("textarea, input:not([type=hidden])") || place).focus();
}

function begin(form) {
  const file = form.querySelector("input[type=file]");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form, event.submitter);
  });
  if (!file) return;
  file.addEventListener("change", () => file.files.length && send(form));
  const drop = form.querySelector("[data-drop]");
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.toggleAttribute("data-over", true);
  });
  drop.addEventListener("dragleave", () => drop.removeAttribute("data-over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.removeAttribute("data-over");
    if (!event.dataTransfer.files.length) return;
    file.files = event.dataTransfer.files;
    send(form);
  });
}

async function send(form, submitter) {
  const place = form.parentElement.querySelector("[data-try-answer]");
  const body = new FormData(form, submitter?.name ? submitter : undefined);
  const buttons = [...form.querySelectorAll("button")];
  buttons.forEach((button) => (button.disabled = true));
  place.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.action, { method: "POST", body, credentials: "same-origin", headers: { "HX-Request": "true" } });
    if (answer.redirected || !answer.ok) throw new Error(answer.statusText);
    place.innerHTML = await answer.text();
    follow(place);
  } catch {
    place.textContent = gettext("The server did not answer. Try again in a moment.");
  } finally {
    place.removeAttribute("aria-busy");
    buttons.forEach((button) => (button.disabled = false));
  }
}

function follow(place) {
  const address = place.querySelector("[data-question]")?.dataset.question;
  if (address) setTimeout(() => again(place, address), AGAIN_MS);
}

async function again(place, address) {
  if (place.querySelector("[data-question]")?.dataset.question !== address) return; // another question was asked
  try {
    const html = await fragment(address);
    if (place.querySelector("[data-question]")?.dataset.question !== address) return;
    place.innerHTML = html;
  } catch {
    setTimeout(() => again(place, address), 10 * AGAIN_MS); // the server is away for a moment
    return;
  }
  follow(place);
}
