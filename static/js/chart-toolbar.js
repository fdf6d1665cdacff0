/* The toolbar of a chart: one tab stop, arrow keys inside; Up and Down change a slider or a list. */
import { axis } from "./chart-view.js";
import { saveChart } from "./chart-save.js";
import { panBy, toggleFollow, zoomBack, zoomBy } from "./chart-zoom.js";
import { copyText } from "./copy.js";

const ACTIONS = {
  scale: (card) => (card.view.set({ scale: card.view.scale === "log" ? "linear" : "log" }), card.redraw()),
  outliers: (card) => (card.view.set({ outliers: card.view.outliers ? "" : "1" }), card.redraw()),
  "zoom-in": (card) => zoomBy(card, 1),
  "zoom-out": (card) => zoomBy(card, -1),
  "pan-left": (card) => panBy(card, -1),
  "pan-right": (card) => panBy(card, 1),
  "zoom-back": zoomBack,
  follow: toggleFollow,
  table: (card) => (card.view.set({ table: card.view.table ? "" : "1" }), card.redraw()),
  "save-png": (card) => saveChart(card, "png"),
  "save-svg": (card) => saveChart(card, "svg"),
  link: () => copyText(location.href),
  "full-screen": (card) => (document.fullscreenElement ? document.exitFullscreen() : card.element.requestFullscreen()),
  retry: (card) => card.load(),
};
const SMOOTH_WAIT_MS = 150;

export function startToolbar(card) {
  const bar = card.element.querySelector("[role=toolbar]");
  card.element.addEventListener("click", (event) => {
    const name = event.target.closest("[data-act]")?.dataset.act;
    if (name) ACTIONS[name](card);
  });
  startSmoothing(card, bar.querySelector("[data-smoothing]"));
  startAxis(bar.querySelector("[data-axis]"));
  startArrows(bar);
  return { show: () => show(card, bar) };
}

export const act = (card, name) => ACTIONS[name](card);

function startSmoothing(card, slider) {
  let timer = null;
  slider.addEventListener("input", () => {
    card.view.set({ smooth: slider.value });
    show(card, slider.closest("[role=toolbar]"));
    clearTimeout(timer);
    timer = setTimeout(() => card.load(), SMOOTH_WAIT_MS);
  });
}

function startAxis(choice) {
  choice.addEventListener("change", () => {
    axis.set(choice.value);
    document.dispatchEvent(new CustomEvent("ft:axis"));
  });
}

function startArrows(bar) {
  const stops = [...bar.querySelectorAll("button, input, select, summary")].filter((stop) => !stop.closest(".menu-panel"));
  stops.forEach((stop, i) => (stop.tabIndex = i ? -1 : 0));
  bar.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const at = stops.indexOf(event.target);
    if (!by || at < 0) return;
    event.preventDefault();
    stops[at].tabIndex = -1;
    const next = stops[(at + by + stops.length) % stops.length];
    next.tabIndex = 0;
    next.focus();
  });
}

function show(card, bar) {
  const { view } = card;
  const pressed = { scale: view.scale === "log", outliers: view.outliers, follow: view.follow, table: view.table };
  for (const [name, isOn] of Object.entries(pressed)) bar.querySelector(`[data-act="${name}"]`).setAttribute("aria-pressed", String(Boolean(isOn)));
  bar.querySelector('[data-act="zoom-back"]').disabled = !view.range;
  const slider = bar.querySelector("[data-smoothing]");
  if (slider !== document.activeElement) slider.value = view.weight;
  bar.querySelector("[data-smoothing-value]").textContent = Number(view.weight).toFixed(2);
  bar.querySelector("[data-axis]").value = axis.get();
}
