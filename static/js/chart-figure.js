/* The figure of a chart: traces and a fresh layout each time (Plotly writes into the one it was given). */
import { isShare, say, significant, whole } from "./format.js";
import { xAxis } from "./chart-axis.js";
import { endLabels } from "./chart-labels.js";

const LABELLED_LINES = 6;

/* `state`: {lines, view, devices, axisName, stepsPerEpoch, attempts, theme, key, width, height, revision} */
export function figureOf(state) {
  const { lines, view, theme, key } = state;
  const axis = xAxis(state.axisName, lines.filter((line) => !line.isMean).map((line) => line.series), state.stepsPerEpoch);
  const range = visibleRange(lines, view);
  const y = yScale(lines, range, view, key);
  const labelled = state.width >= 560 && lines.filter((line) => !line.isRaw).length <= LABELLED_LINES;
  const labels = labelled ? endLabels(lines, y, range, state) : [];
  const data = lines.map((line) => trace(line, axis, theme));
  const strange = strangePoints(lines, range);
  if (strange.length) data.push(strangeTrace(strange, axis, y, theme));
  return { data, layout: layoutOf(state, axis, range, y, labels.length > 0), axis, range, labels, notes: { strange, hiddenBelow: y.dropped, outOfView: y.outside } };
}

function trace(line, axis, theme) {
  const colour = line.isMean ? theme.text : theme.hue(line.identity);
  const steps = { steps: line.steps, times: line.times };
  return {
    type: "scatter",
    mode: line.symbol ? "lines+markers" : "lines",
    name: line.label,
    x: axis.x(steps),
    y: line.values,
    connectgaps: false,
    cliponaxis: !line.symbol,
    hoverinfo: line.isRaw ? "skip" : undefined,
    opacity: line.opacity,
    line: { color: colour, width: line.width, dash: line.dash, simplify: true },
    marker: { symbol: line.symbol, size: line.size, color: colour, line: { color: colour, width: 1.5 } },
    meta: line.id,
    showlegend: !line.isRaw,
  };
}

/* Steps from and to which the chart looks. */
function visibleRange(lines, view) {
  if (view.range) return view.range;
  const firsts = lines.filter((line) => line.steps.length).map((line) => line.steps[0]);
  const lasts = lines.filter((line) => line.steps.length).map((line) => line.steps[line.steps.length - 1]);
  const last = Math.max(...lasts, 1);
  return firsts.length ? [Math.min(...firsts), last] : [0, 100];
}

/* The range of y over what is visible, so that a zoomed line fills the height. */
function yScale(lines, [first, last], view, key) {
  const isLog = view.scale === "log";
  const seen = [];
  let dropped = 0;
  for (const line of lines) {
    line.steps.forEach((step, i) => {
      const value = line.values[i];
      if (step < first || step > last || !Number.isFinite(value)) return;
      if (isLog && value <= 0) dropped += line.isRaw || line.width === 2 ? 1 : 0;
      else seen.push(value);
    });
  }
  if (!seen.length) return { isLog, range: isLog ? [-1, 0] : [0, 1], dropped, outside: 0, isEmpty: true };
  let [low, high] = extent(seen);
  let outside = 0;
  if (view.outliers) {
    seen.sort((a, b) => a - b);
    [low, high] = [seen[Math.floor(seen.length * 0.01)], seen[Math.ceil(seen.length * 0.99) - 1]];
    outside = seen.filter((value) => value < low || value > high).length;
  }
  return { isLog, range: padded(low, high, isLog, key), dropped, outside };
}

function extent(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

function padded(low, high, isLog, key) {
  if (isLog) return [Math.log10(low) - 0.06, Math.log10(high) + 0.06];
  const room = (high - low || Math.abs(high) || 1) * 0.06;
  const floor = low >= 0 && low - room < 0 ? -room / 2 : low - room;
  return [floor, isShare(key) ? Math.min(high + room, 1.02) : high + room];
}

function strangePoints(lines, [first, last]) {
  const found = [];
  for (const line of lines) {
    if (line.isMean || (line.width === 2 && line.values !== line.series.values)) continue;
    for (const [step, kind] of line.series.strange ?? []) if (step >= first && step <= last) found.push({ step, kind, label: line.label });
  }
  return found.sort((a, b) => a.step - b.step);
}

function strangeTrace(points, axis, y, theme) {
  const edge = y.isLog ? 10 ** y.range[0] : y.range[0];
  return {
    type: "scatter",
    mode: "markers",
    name: gettext("Not a number"),
    x: points.map((point) => axis.shown(point.step)),
    y: points.map(() => edge),
    cliponaxis: false,
    marker: { symbol: "x", size: 9, color: theme.bad },
    text: points.map((point) => say(gettext("%(label)s, step %(step)s: %(kind)s"), { ...point, step: whole(point.step) })),
    hoverinfo: "text",
    meta: "strange",
    showlegend: false,
  };
}

function layoutOf(state, axis, range, y, hasLabels) {
  const { theme, key } = state;
  const common = { color: theme.muted, gridcolor: theme.grid, linecolor: theme.line, zeroline: false, tickfont: { size: 12 }, automargin: false };
  return {
    uirevision: "kept",
    datarevision: state.revision,
    autosize: false,
    width: state.width,
    height: state.height,
    margin: { l: 56, r: hasLabels ? 116 : 12, t: 8, b: 44 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: theme.font, size: 12, color: theme.text },
    showlegend: false,
    hovermode: "x unified",
    hoverlabel: { bgcolor: theme.surface, bordercolor: theme.line, font: { color: theme.text, size: 12 } },
    dragmode: state.isTouch ? false : "zoom",
    xaxis: {
      ...common,
      type: axis.type,
      title: { text: axis.title, font: { size: 12 }, standoff: 8 },
      range: range.map(axis.shown),
      showgrid: false,
      ticks: "outside",
      ticklen: 4,
      tickcolor: theme.grid,
      hoverformat: axis.type === "date" ? "%H:%M:%S" : ",.6~r",
      nticks: Math.max(3, Math.round(state.width / (axis.type === "date" ? 130 : 70))),
      tickformat: axis.type === "date" ? timeFormat(range, axis) : "",
      tickangle: 0,
      showspikes: true,
      spikemode: "across",
      spikethickness: 1,
      spikedash: "solid",
      spikecolor: theme.line,
      spikesnap: "cursor",
    },
    yaxis: {
      ...common,
      type: y.isLog ? "log" : "linear",
      range: y.range,
      fixedrange: true,
      showline: false,
      nticks: 7,
      tickformat: isShare(key) ? ".1~%" : "",
      hoverformat: isShare(key) ? ".1%" : ".4~r",
      dtick: y.isLog && y.range[1] - y.range[0] > 1.5 ? 1 : undefined,
    },
    shapes: attemptRules(state, axis),
  };
}

const DAY_MS = 86_400_000;
const timeFormat = ([first, last], axis) => (axis.at(last) - axis.at(first) > DAY_MS ? "%d %b %H:%M" : "%H:%M:%S");

/* A rule where a later attempt went on. */
function attemptRules({ attempts, theme }, axis) {
  return attempts
    .filter((attempt) => attempt.number > 1 && attempt.step > 0)
    .map((attempt) => ({
      type: "line",
      xref: "x",
      yref: "paper",
      x0: axis.shown(attempt.step),
      x1: axis.shown(attempt.step),
      y0: 0,
      y1: 1,
      line: { color: theme.line, width: 1, dash: "dot" },
      label: { text: say(gettext("attempt %(n)s"), { n: attempt.number }), textposition: "end", textangle: 0, xanchor: "left", yanchor: "top", font: { size: 11, color: theme.muted } },
    }));
}

/* What the caption says beyond how many points are shown. */
export function captionNotes({ strange, hiddenBelow, outOfView }, left, lineCount) {
  const notes = [];
  if (strange.length) {
    const first = whole(strange[0].step);
    notes.push(say(ngettext("%(n)s point is not a number (first: step %(first)s)", "%(n)s points are not numbers (first: step %(first)s)", strange.length), { n: strange.length, first }));
  }
  if (hiddenBelow) notes.push(say(ngettext("%(n)s value of 0 or less is not drawn on a log scale", "%(n)s values of 0 or less are not drawn on a log scale", hiddenBelow), { n: hiddenBelow }));
  if (outOfView) notes.push(say(ngettext("%(n)s point out of view", "%(n)s points out of view", outOfView), { n: whole(outOfView) }));
  if (left) notes.push(say(gettext("%(n)s of %(all)s lines. Choose lines"), { n: lineCount, all: lineCount + left }));
  return notes;
}

export const readout = (line, step, value, key) =>
  say(gettext("%(line)s, step %(step)s: %(value)s"), { line: line.label, step: whole(step), value: isShare(key) ? `${(value * 100).toFixed(1)}%` : significant(value) });
