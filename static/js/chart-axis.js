/* From steps to what the x axis shows: step, epoch, time since the start with pauses left out, or wall time. */
import { zoneOffset } from "./format.js";
import { lowerBound } from "./series.js";

const PAUSE_MS = 15_000; // no points for so long, and far longer than usual, is a pause
const UNITS = [
  [180, 1, () => gettext("Seconds of training")],
  [10_800, 60, () => gettext("Minutes of training")],
  [Infinity, 3600, () => gettext("Hours of training")],
];

/* {x(series), shown(step): as Plotly takes it, at(step) → number, step(number) → step, title, type} for the axis `name`. */
export function xAxis(name, seriesList, stepsPerEpoch) {
  if (name === "epoch" && stepsPerEpoch) return scaled(stepsPerEpoch, gettext("Epoch"));
  if (name === "wall") return timed(seriesList, inZone, gettext("Time"), "date");
  if (name === "relative") return relative(seriesList);
  return scaled(1, gettext("Step"));
}

function scaled(divisor, title) {
  const at = (step) => step / divisor;
  return { title, type: "linear", at, shown: at, step: (x) => x * divisor, x: (series) => (divisor === 1 ? series.steps : series.steps.map(at)) };
}

function relative(seriesList) {
  const longest = reference(seriesList);
  const seconds = withoutPauses(longest.times);
  const total = seconds[seconds.length - 1] ?? 0;
  const [, divisor, title] = UNITS.find(([limit]) => total < limit);
  return timed(seriesList, () => seconds.map((second) => second / divisor), title(), "linear");
}

/* Steps and times of the longest series tell where a step lies in time; other series are placed by interpolation. */
function timed(seriesList, place, title, type) {
  const { steps, times } = reference(seriesList);
  const xs = place(times);
  const at = (step) => interpolate1(steps, xs, step);
  const out = type === "date" ? written : (x) => x;
  const shown = (step) => out(at(step));
  return { title, type, at, shown, step: (x) => interpolate1(xs, steps, x), x: (series) => (series.steps === steps ? xs.map(out) : series.steps.map(shown)) };
}

function reference(seriesList) {
  const none = { steps: [], times: [] };
  return seriesList.reduce((longest, series) => (series.steps.length > longest.steps.length ? series : longest), none);
}

function withoutPauses(times) {
  const gaps = times.map((time, i) => (i ? Math.max(time - times[i - 1], 0) : 0));
  const usual = [...gaps].sort((a, b) => a - b)[Math.floor(gaps.length / 2)] || 0;
  let sum = 0;
  return gaps.map((gap) => (sum += gap > Math.max(PAUSE_MS, usual * 20) ? usual : gap) / 1000);
}

/* Plotly would show a number in the zone of the browser: what it gets is the time of day in the zone of the page. */
function inZone(times) {
  const offset = times.length ? zoneOffset(new Date(times[times.length - 1])) : 0;
  return times.map((time) => time + offset);
}

const written = (ms) => new Date(ms).toISOString().slice(0, 23).replace("T", " ");

export function interpolate1(xs, ys, x) {
  if (!xs.length) return x;
  const right = lowerBound(xs, x);
  if (right === 0) return ys[0];
  if (right === xs.length) return ys[ys.length - 1];
  const share = (x - xs[right - 1]) / (xs[right] - xs[right - 1]);
  return ys[right - 1] + share * (ys[right] - ys[right - 1]);
}
