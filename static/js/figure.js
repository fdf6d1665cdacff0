/* Small figures: [data-figure] holds a plot and, as JSON in its <script>, traces and axes (see results/figures.py).
   Drawn when it comes near, and again when theme or width change. */
import { loadPlotly } from "./plotly-loader.js";
import { theme } from "./palette.js";

const NEAR = "200px";

for (const element of document.querySelectorAll("[data-figure]")) watch(element);

function watch(element) {
  const figure = JSON.parse(element.querySelector("script").textContent);
  const plot = element.querySelector("[data-figure-plot]");
  const draw = async () => {
    try {
      const plotly = await loadPlotly(element.dataset.plotly);
      const colours = theme();
      await plotly.react(plot, figure.traces.map((trace) => traceOf(trace, colours)), layoutOf(figure, plot, colours), CONFIG);
      element.dataset.state = "drawn";
    } catch {
      element.dataset.state = "failed";
      plot.textContent = gettext("The chart library did not load.");
    }
  };
  let isNear = false;
  new IntersectionObserver((entries, observer) => {
    if (!entries.at(-1).isIntersecting) return;
    observer.disconnect();
    isNear = true;
    draw();
  }, { rootMargin: NEAR }).observe(element);
  new ResizeObserver(() => isNear && plot.clientWidth !== plot._fullLayout?.width && draw()).observe(plot);
  document.addEventListener("ft:theme", () => isNear && draw());
}

const CONFIG = { displayModeBar: false, showSendToCloud: false, displaylogo: false };

function colourOf(name, colours) {
  return name.startsWith("hue-") ? colours.hue(Number(name.slice(4)) - 1) : colours[name];
}

function traceOf(trace, colours) {
  const colour = colourOf(trace.colour, colours);
  const common = { type: trace.type, name: trace.name, x: trace.x, y: trace.y, text: trace.text };
  if (trace.type === "bar") return { ...common, width: trace.width, textposition: "none", marker: { color: colour, line: { color: colours.surface, width: 1 } } };
  const error = trace.low && { type: "data", symmetric: false, array: trace.high.map((high, i) => high - trace.y[i]), arrayminus: trace.low.map((low, i) => trace.y[i] - low), color: colour, thickness: 1, width: 3 };
  return {
    ...common,
    mode: trace.markers ? "markers" : trace.dash ? "lines" : "lines+markers",
    hoverinfo: trace.dash ? "skip" : undefined,
    error_y: error,
    line: { color: colour, width: 2, dash: trace.dash },
    marker: { color: colour, size: trace.size ?? (trace.markers ? 5 : 6), opacity: trace.markers && !trace.size ? 0.6 : 1 },
  };
}

function layoutOf(figure, plot, colours) {
  const hasLegend = figure.traces.filter((trace) => !trace.dash).length > 1;
  const common = { color: colours.muted, gridcolor: colours.grid, linecolor: colours.line, zeroline: false, automargin: true, fixedrange: true };
  const axis = ({ title, ...more }) => ({ ...common, ...more, title: title ? { text: title, font: { size: 12 }, standoff: 8 } : undefined });
  return {
    autosize: false,
    width: plot.clientWidth,
    height: plot.clientHeight,
    margin: { l: 48, r: 8, t: hasLegend ? 36 : 8, b: 40 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: colours.font, size: 12, color: colours.text },
    showlegend: hasLegend,
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
    hoverlabel: { bgcolor: colours.surface, bordercolor: colours.line, font: { color: colours.text, size: 12 } },
    bargap: 0.15,
    dragmode: false,
    xaxis: axis(figure.x),
    yaxis: axis(figure.y),
  };
}
