/* While a row is under the pointer, focused or selected, no row of its list moves: fresh HTML is put into the order that
   is shown, what is new goes to the end, and a chip offers to sort again. */

const HELD = "[data-row]:is(:hover, :focus-within, :has(input:checked))";

/* `html` of a region in the order of rows that the reader sees; `renew` is what the chip does. */
export function steady(region, html, renew) {
  const template = document.createElement("template");
  template.innerHTML = html.trim();
  const again = region.hasAttribute("data-sort-again");
  region.removeAttribute("data-sort-again");
  const lists = again ? [] : new Set([...region.querySelectorAll(HELD)].map((row) => row.parentElement));
  let moved = false;
  for (const list of lists) moved = keepOrder(list, template.content) || moved;
  offer(region, moved, renew);
  return template.innerHTML;
}

/* Whether the fresh list had another order than the one that is shown. */
function keepOrder(list, fresh) {
  const shown = [...list.children].map((row) => row.dataset.key);
  const known = shown.map((key) => fresh.querySelector(`[data-row][data-key="${CSS.escape(key)}"]`)).find(Boolean);
  if (!known) return false;
  const rows = [...known.parentElement.children];
  const place = (row) => (shown.includes(row.dataset.key) ? shown.indexOf(row.dataset.key) : shown.length);
  const sorted = [...rows].sort((one, other) => place(one) - place(other));
  if (sorted.every((row, index) => row === rows[index])) return false;
  known.parentElement.append(...sorted);
  return true;
}

function offer(region, moved, renew) {
  const there = region.previousElementSibling?.matches("[data-order-chip]") ? region.previousElementSibling : null;
  if (!moved) return there?.remove();
  if (there) return undefined;
  const chip = document.createElement("button");
  chip.type = "button";
  chip.className = "quiet small order-chip";
  chip.dataset.orderChip = "";
  chip.textContent = gettext("Order changed. Sort again");
  chip.addEventListener("click", () => {
    region.setAttribute("data-sort-again", "");
    renew();
  });
  return region.before(chip);
}
