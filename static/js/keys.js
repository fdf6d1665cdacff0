/* Single keys of every page (pages can add their own with `onKey`). Silent in fields, while composing, and when switched off. */
import { openDialog } from "./dialogs.js";

const handlers = new Map();
const GO = { h: 0, j: 1, t: 2, d: 3 };
let afterG = false;

export function onKey(key, act) {
  handlers.set(key, act);
}

export function startKeys() {
  onKey("?", () => openDialog("keys-help"));
  onKey("/", () => document.querySelector("[data-search]")?.focus());
  onKey("n", () => document.querySelector("[data-key='n']")?.click());
  onKey("j", () => moveRow(1));
  onKey("k", () => moveRow(-1));
  onKey("[", () => moveTab(-1));
  onKey("]", () => moveTab(1));
  document.addEventListener("keydown", (event) => {
    if (document.body.dataset.singleKeys === "off" || ignored(event)) return;
    if (press(event.key)) event.preventDefault();
  });
}

function press(key) {
  if (afterG) {
    afterG = false;
    const link = document.querySelectorAll(".topnav a")[GO[key]];
    if (key in GO && link) return link.click(), true;
  }
  if (key === "g") return (afterG = true);
  const act = handlers.get(key);
  if (act) act();
  return Boolean(act);
}

function ignored(event) {
  if (event.isComposing || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return true;
  if (document.querySelector("dialog[open]")) return true;
  return Boolean(event.target.closest?.("input, select, textarea, [contenteditable], [data-chart-figure], [role='toolbar']"));
}

/* Rows are elements [data-row] that hold one main link. */
function moveRow(by) {
  const rows = [...document.querySelectorAll("[data-row] a[data-row-link]")];
  if (!rows.length) return;
  const at = rows.indexOf(document.activeElement);
  rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + by, 0), rows.length - 1)].focus();
}

function moveTab(by) {
  const tabs = [...document.querySelectorAll("[data-tabs] a")];
  const at = tabs.findIndex((tab) => tab.getAttribute("aria-current") === "page");
  tabs[at + by]?.click();
}
