/* A picture of the chart that can stand alone: title, job, units and legend are in it. */
import { figureOf } from "./chart-figure.js";
import { axis } from "./chart-view.js";
import { theme } from "./palette.js";

const SIZE = { width: 1000, height: 520 };

export async function saveChart(card, format) {
  const colours = theme();
  const state = { ...card.page, lines: card.lines, view: card.view, key: card.key, axisName: axis.get(), theme: colours, ...SIZE, revision: 0 };
  const { data, layout } = figureOf(state);
  const title = `${card.page.title} · ${card.element.querySelector("h2").textContent}`;
  Object.assign(layout, { title: { text: escaped(title), font: { size: 16 } }, showlegend: true, paper_bgcolor: colours.surface });
  layout.legend = { orientation: "h", y: -0.16 };
  layout.margin = { l: 64, r: 24, t: 56, b: 88 };
  layout.yaxis.title = { text: card.key };
  const url = await window.Plotly.toImage({ data, layout }, { format, ...SIZE, scale: format === "png" ? 2 : 1 });
  download(url, `job-${card.page.jobId}-${card.name}.${format}`);
}

function download(url, name) {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
}

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
