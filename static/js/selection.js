/* Several rows at once: [data-selection] holds the rows' checkboxes and the bar with what can be done to them.
   Each button says how many of the selected it applies to (data-applies: the states it fits). `x` selects the row. */
import { onKey } from "./keys.js";

onKey("x", () => document.activeElement.closest("[data-row]")?.querySelector("input[type=checkbox]")?.click());

document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-selection]");
  if (!form) return;
  if (event.target.matches("[data-select-page]")) {
    for (const box of boxes(form)) box.checked = event.target.checked;
  }
  show(form);
});
for (const form of document.querySelectorAll("[data-selection]")) show(form);
new MutationObserver(() => document.querySelectorAll("[data-selection]").forEach(show)).observe(
  document.querySelector("main"),
  { childList: true, subtree: true, attributes: true, attributeFilter: ["data-state"] },
);

function show(form) {
  const all = boxes(form);
  const chosen = all.filter((box) => box.checked);
  const page = form.querySelector("[data-select-page]");
  if (page) {
    page.hidden = false;
    page.checked = chosen.length > 0 && chosen.length === all.length;
    page.indeterminate = chosen.length > 0 && chosen.length < all.length;
  }
  const more = form.querySelector("[data-select-all]");
  const everything = more?.querySelector("input");
  if (more) more.hidden = chosen.length < all.length;
  if (more?.hidden && everything) everything.checked = false;
  count(form, everything?.checked ? Number(form.dataset.total) : chosen.length);
  for (const button of form.querySelectorAll("[data-needs-selection]")) fit(button, chosen, everything?.checked);
}

function count(form, number) {
  const place = form.querySelector("[data-selected-count]");
  if (!place) return;
  const text = number ? interpolate(ngettext("%(n)s selected", "%(n)s selected", number), { n: number }, true) : place.dataset.none;
  if (place.textContent !== text) place.textContent = text;
}

function fit(button, chosen, everything) {
  const states = button.dataset.applies?.split(" ");
  const fitting = states ? chosen.filter((box) => states.includes(box.closest("[data-state]").dataset.state)) : chosen;
  const disabled = !everything && fitting.length === 0;
  if (button.disabled !== disabled) button.disabled = disabled;
  const place = button.querySelector("[data-applies-count]");
  const text = everything || !chosen.length ? "" : String(fitting.length);
  if (place && place.textContent !== text) place.textContent = text;
}

function boxes(form) {
  return [...form.querySelectorAll("tbody input[type=checkbox]")];
}
