/* Which lines a chart shows, from its series and its view: per device train (solid) and eval (dashed), and their mean. */
import { interpolate1 } from "./chart-axis.js";
import { dashOf, markerOf } from "./palette.js";
import { say } from "./format.js";

export const POINTS_A_CHART = 4000;
export const MOST_LINES = 24;
const RAW_UP_TO = 4; // train lines; with more, only the line in focus shows its raw values

/* {lines: [{id, label, series, steps, times, values, …style}], left: number of lines that found no room} */
export function linesOf(data, view, devices, focused) {
  const isFine = data.detail && view.range;
  const seriesList = isFine ? fineOrCoarse(data) : data.all;
  const shown = seriesList.filter((series) => series.steps.length && !isHidden(series, view));
  const train = shown.filter((series) => !isEval(series));
  const lines = [];
  for (const series of train) lines.push(...trainLines(series, view, devices, train.length <= RAW_UP_TO || focused === idOf(series)));
  const means = train.length > 1 && !view.hides("mean") ? [meanLine(train, view)] : [];
  const evals = shown.filter(isEval).map((series) => evalLine(series, devices));
  const devicesOwn = view.hides("devices") ? [] : lines;
  const all = [...devicesOwn.filter((line) => line.isRaw), ...means, ...devicesOwn.filter((line) => !line.isRaw), ...evals];
  return { lines: all.slice(0, MOST_LINES), left: Math.max(0, all.length - MOST_LINES) };
}

function fineOrCoarse(data) {
  return data.all.map((series) => data.detail.series.get(`${series.key}|${series.rank}`) ?? series);
}

export const isEval = (series) => series.key.startsWith("eval/");
export const idOf = (series) => `${isEval(series) ? "eval" : "train"}-${series.rank}`;

function isHidden(series, view) {
  return view.hides(isEval(series) ? "eval" : "train") || view.hides(idOf(series)) || view.hides(`rank-${series.rank}`);
}

export function deviceOf(devices, rank) {
  return devices.find((device) => device.rank === rank) ?? { rank, name: say(gettext("rank %(n)s"), { n: rank }), identity: rank };
}

function trainLines(series, view, devices, withRaw) {
  const { name, identity } = deviceOf(devices, series.rank);
  const base = { id: idOf(series), series, label: name, identity, dash: dashOf(identity), connected: true };
  const raw = { ...base, steps: series.steps, times: series.times, values: series.values };
  if (!view.weight || !series.smooth) return [{ ...raw, width: 2, opacity: 1 }];
  const smooth = { ...base, steps: series.smooth.steps, times: series.smooth.times, values: series.smooth.values, width: 2, opacity: 1 };
  return withRaw ? [{ ...raw, width: 1, opacity: 0.25, isRaw: true }, smooth] : [smooth];
}

function evalLine(series, devices) {
  const { name, identity } = deviceOf(devices, series.rank);
  const label = say(gettext("%(device)s eval"), { device: name });
  const own = { steps: series.steps, times: series.times, values: series.values };
  return { id: idOf(series), series, label, identity, dash: "dash", width: 1.5, opacity: 1, symbol: markerOf(identity)[0], size: markerOf(identity)[1], ...own };
}

/* The mean over devices, where all of them have been: exact while every step is held, else between kept points. */
function meanLine(train, view) {
  const parts = train.map((series) => (view.weight && series.smooth ? series.smooth : series));
  const longest = parts.reduce((a, b) => (b.steps.length > a.steps.length ? b : a));
  const end = Math.min(...parts.map((part) => part.steps[part.steps.length - 1] ?? -1));
  const steps = longest.steps.filter((step) => step <= end);
  const values = steps.map((step) => parts.reduce((sum, part) => sum + interpolate1(part.steps, part.values, step), 0) / parts.length);
  return { id: "mean", label: gettext("Mean"), series: { steps, values }, steps, times: longest.times, values, width: 4, opacity: 0.85, dash: "solid", isMean: true };
}

/* How many points each line may have. A faint raw line counts as a line. */
export function shareOf(lineCount) {
  return Math.floor(POINTS_A_CHART / Math.max(1, lineCount));
}
