/* Device lanes follow the points: step, speed, and how a step's time divides into data, compute and wait. */
import { clock, say, significant, whole } from "./format.js";

const PARTS = ["data", "compute", "wait"];
const BAR_WIDTH = 160;
const LEAST_MS = 500;

export class JobLanes {
  constructor() {
    this.lanes = new Map();
    this.shownAt = 0;
    this.timer = null;
  }

  take(frame) {
    for (const { key, rank, steps, values, times } of frame.series) {
      if (!steps.length || !key.startsWith("train/")) continue;
      const lane = this.lanes.get(rank) ?? {};
      lane[key.slice("train/".length)] = values[values.length - 1];
      if (key === "train/loss") Object.assign(lane, { step: steps[steps.length - 1], time: times[times.length - 1] });
      this.lanes.set(rank, lane);
    }
    this.timer ??= setTimeout(() => this.#showAll(), Math.max(0, this.shownAt + LEAST_MS - Date.now()));
  }

  #showAll() {
    this.timer = null;
    this.shownAt = Date.now();
    for (const [rank, lane] of this.lanes) this.#show(document.querySelector(`[data-lane="${rank}"]`), lane);
  }

  #show(row, lane) {
    if (!row) return;
    const put = (name, text) => (row.querySelector(`[data-lane-${name}]`).textContent = text);
    if (lane.step !== undefined) put("step", whole(lane.step));
    if (lane.samples_per_second !== undefined) put("speed", significant(lane.samples_per_second));
    if (lane.time) put("last", clock(new Date(lane.time)));
    const parts = PARTS.map((name) => ({ name, seconds: lane[`${name}_seconds`] })).filter(({ seconds }) => typeof seconds === "number");
    if (!parts.length) return;
    put("split", parts.map(({ name, seconds }) => `${word(name)} ${milliseconds(seconds)}`).join(" · "));
    bar(row.querySelector("[data-lane-bar]"), parts);
  }
}

function bar(svg, parts) {
  const total = parts.reduce((sum, part) => sum + part.seconds, 0) || 1;
  let x = 0;
  for (const { name, seconds } of parts) {
    const width = (BAR_WIDTH * seconds) / total;
    const piece = svg.querySelector(`[data-part="${name}"]`) ?? svg.appendChild(rectangle(name));
    piece.setAttribute("x", x.toFixed(1));
    piece.setAttribute("width", width.toFixed(1));
    x += width;
  }
}

function rectangle(name) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  made.setAttribute("class", `part-${name}`);
  made.setAttribute("height", "10");
  made.dataset.part = name;
  return made;
}

const word = (name) => ({ data: gettext("data"), compute: gettext("compute"), wait: gettext("wait") })[name];

function milliseconds(seconds) {
  if (seconds >= 1) return say(gettext("%(n)s s"), { n: seconds.toFixed(1) });
  return say(gettext("%(n)s ms"), { n: (seconds * 1000).toFixed(seconds >= 0.01 ? 0 : 1) });
}
