/* Keys of a focused chart: ←/→ point, ↑/↓ line, Home/End, + and - zoom, Shift+←/→ pan, Backspace zoom back, f follow, t table. */
import { act } from "./chart-toolbar.js";
import { readout } from "./chart-figure.js";
import { announce } from "./toasts.js";

export function startChartKeys(card) {
  const place = { line: 0, point: -1 };
  restore(card, place);
  card.figure.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const handled = event.shiftKey ? pan(card, event.key) : toolbarKey(card, event.key) || move(card, place, event.key);
    if (handled) event.preventDefault();
  });
  card.table.place.addEventListener("keydown", (event) => event.key === "t" && (event.preventDefault(), act(card, "table")));
  card.figure.addEventListener("blur", () => window.Plotly?.Fx.unhover(card.figure.querySelector("[data-chart-plot]")));
}

function pan(card, key) {
  const name = { ArrowLeft: "pan-left", ArrowRight: "pan-right", "+": "zoom-in" }[key];
  if (name) act(card, name);
  return Boolean(name);
}

function toolbarKey(card, key) {
  const name = { "+": "zoom-in", "=": "zoom-in", "-": "zoom-out", Backspace: "zoom-back", f: "follow", t: "table" }[key];
  if (name) act(card, name);
  return Boolean(name);
}

function move(card, place, key) {
  const lines = (card.lines ?? []).map((line, index) => ({ line, index })).filter(({ line }) => !line.isRaw && line.steps.length);
  if (!lines.length || !["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"].includes(key)) return false;
  const before = lines[Math.min(place.line, lines.length - 1)].line;
  const step = place.point >= 0 ? before.steps[Math.min(place.point, before.steps.length - 1)] : null;
  if (key === "ArrowUp" || key === "ArrowDown") place.line = (place.line + (key === "ArrowDown" ? 1 : -1) + lines.length) % lines.length;
  const { line, index } = lines[Math.min(place.line, lines.length - 1)];
  place.point = nextPoint(line, place.point, key, step);
  tell(card, line, index, place.point);
  return true;
}

function nextPoint(line, point, key, step) {
  const last = line.steps.length - 1;
  if (key === "Home") return 0;
  if (key === "End" || point < 0) return last;
  if (key === "ArrowLeft") return Math.max(0, Math.min(point, last) - 1);
  if (key === "ArrowRight") return Math.min(last, point + 1);
  const near = line.steps.findIndex((other) => other >= step);
  return near < 0 ? last : near;
}

function tell(card, line, index, point) {
  const text = readout(line, line.steps[point], line.values[point], card.key);
  card.element.querySelector("[data-chart-readout]").textContent = text;
  card.view.set({ point: `${line.id}~${line.steps[point]}` });
  announce(text);
  window.Plotly?.Fx.hover(card.figure.querySelector("[data-chart-plot]"), [{ curveNumber: index, pointNumber: point }]);
}

/* A link may name the point that its sender looked at. */
function restore(card, place) {
  const [id, step] = card.view.point.split("~");
  if (!step) return;
  card.element.addEventListener("ft:drawn", () => {
    const lines = card.lines.filter((line) => !line.isRaw);
    const found = lines.findIndex((line) => line.id === id);
    if (found < 0) return;
    place.line = found;
    place.point = lines[found].steps.indexOf(Number(step));
    if (place.point >= 0) card.element.querySelector("[data-chart-readout]").textContent = readout(lines[found], Number(step), lines[found].values[place.point], card.key);
  }, { once: true });
}
