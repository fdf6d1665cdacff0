/* Line switches of a chart: each device, their mean, train and eval. Focus or hover raises one line and fades the others. */
import { deviceOf, isEval } from "./chart-lines.js";
import { dashOf, theme } from "./palette.js";

const DASH_ARRAYS = { solid: "", dot: "2 3", dashdot: "6 3 2 3", longdashdot: "9 3 2 3", dash: "5 3" };

export function startLegend(card) {
  const list = card.element.querySelector("[data-chart-legend]");
  list.addEventListener("click", (event) => {
    const id = event.target.closest("[data-line]")?.dataset.line;
    if (!id) return;
    card.view.toggle(id);
    card.redraw();
  });
  for (const name of ["pointerover", "focusin"]) list.addEventListener(name, (event) => raise(card, event.target.closest("[data-line]")?.dataset.line));
  for (const name of ["pointerleave", "focusout"]) list.addEventListener(name, () => raise(card, ""));
  return { show: () => show(card, list) };
}

function entries(card) {
  const colours = theme();
  const ranks = [...new Set(card.data.all.filter((series) => series.steps.length).map((series) => series.rank))].sort((a, b) => a - b);
  const made = ranks.map((rank) => {
    const { name, identity } = deviceOf(card.page.devices, rank);
    return { id: `rank-${rank}`, label: name, colour: colours.hue(identity), dash: dashOf(identity), width: 3 };
  });
  if (ranks.length > 1) made.push({ id: "mean", label: gettext("Mean"), colour: colours.text, dash: "solid", width: 3 });
  if (ranks.length > 1) made.push({ id: "devices", label: gettext("Devices") });
  const hasEval = card.data.all.some((series) => isEval(series) && series.steps.length);
  const hasTrain = card.data.all.some((series) => !isEval(series) && series.steps.length);
  if (hasEval && hasTrain) {
    made.push({ id: "train", label: gettext("Train"), colour: colours.muted, dash: "solid", width: 2 });
    made.push({ id: "eval", label: gettext("Eval"), colour: colours.muted, dash: "dash", width: 2 });
  }
  return made;
}

function show(card, list) {
  const wanted = entries(card);
  const state = JSON.stringify([wanted, card.view.hide]);
  if (list.dataset.shown === state) return;
  list.dataset.shown = state;
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.line : "";
  list.replaceChildren(...wanted.map((entry) => button(entry, card.view)));
  list.querySelector(`[data-line="${focused}"]`)?.focus();
}

function button({ id, label, colour, dash, width }, view) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "legend-line";
  made.dataset.line = id;
  made.setAttribute("aria-pressed", String(!view.hides(id)));
  if (colour) made.append(swatch(colour, dash, width));
  made.append(label);
  return made;
}

function swatch(colour, dash, width) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 20 8");
  svg.setAttribute("class", "swatch");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", "M1 4h18");
  line.setAttribute("stroke", colour);
  line.setAttribute("stroke-width", width);
  line.setAttribute("stroke-dasharray", DASH_ARRAYS[dash] ?? "");
  svg.append(line);
  return svg;
}

/* Fades the drawn lines of everybody else; a redraw begins from the full picture again. */
function raise(card, id = "") {
  const traces = card.figure.querySelectorAll(".scatterlayer .trace");
  (card.lines ?? []).forEach((line, i) => {
    const isRaised = !id || line.id === id || id === `rank-${line.series?.rank}` || (id === "mean" && line.isMean) || line.id.startsWith(`${id}-`) || id === "devices";
    if (traces[i]) traces[i].style.opacity = isRaised ? line.opacity : 0.12;
  });
}
