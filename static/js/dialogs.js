/* [data-opens="id"] opens that <dialog>, [data-closes] closes the one around it; focus returns to the opener.
   <details data-menu> closes with Esc and by a click elsewhere. */

export function startDialogs() {
  for (const opener of document.querySelectorAll("[data-opens][hidden]")) opener.hidden = false;
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) openDialog(opener.dataset.opens, opener);
    const closer = event.target.closest("[data-closes]");
    if (closer) closer.closest("dialog")?.close();
    if (event.target.matches("dialog")) event.target.close();
    closeMenus(event.target);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = event.target.closest?.("details[data-menu][open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}

export function openDialog(id, opener = document.activeElement) {
  const dialog = document.getElementById(id);
  if (!dialog || dialog.open) return;
  dialog.showModal();
  dialog.addEventListener("close", () => (opener?.closest("details[data-menu]")?.querySelector("summary") ?? opener)?.focus(), { once: true });
}

function closeMenus(target) {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (!menu.contains(target)) menu.open = false;
  }
}
