/* What one chart holds: its series, fetched and live. While a fetch is under way, frames wait and are applied after it. */
import { request } from "./rest.js";
import { Series } from "./series.js";

export class ChartData {
  constructor(jobId, keys) {
    this.jobId = jobId;
    this.keys = keys;
    this.series = new Map();
    this.detail = null; // {first, last, series}: the visible range of a zoomed chart, finer than the overview
    this.lastSeq = 0;
    this.loaded = false;
    this.waiting = null;
  }

  get all() {
    return [...this.series.values()].sort((a, b) => a.key.localeCompare(b.key) || a.rank - b.rank);
  }

  get total() {
    return this.all.reduce((sum, series) => sum + series.total, 0);
  }

  /* The overview: the whole of each series, reduced to `share` points. */
  async load(share, smooth) {
    if (this.loading) return this.loading;
    this.waiting = [];
    this.loading = this.#fetch({ max_points: share, smooth });
    try {
      const answer = await this.loading;
      this.series.clear();
      for (const part of answer.series) this.#of(part).replace(part);
      this.lastSeq = answer.cursor;
      this.loaded = true;
    } finally {
      this.loading = null;
      const waiting = this.waiting;
      this.waiting = null;
      if (this.loaded) this.#drain(waiting);
    }
    return true;
  }

  /* The points of a range, as fine as `share` allows. */
  async loadRange(first, last, share, smooth) {
    const answer = await this.#fetch({ max_points: share, smooth, first_step: Math.floor(first), last_step: Math.ceil(last) });
    const detail = { first, last, series: new Map() };
    for (const part of answer.series) {
      const series = new Series(part.key, part.rank);
      series.replace(part);
      detail.series.set(`${part.key}|${part.rank}`, series);
    }
    this.detail = detail;
  }

  #fetch(parameters) {
    const query = new URLSearchParams();
    for (const key of this.keys) query.append("key", key);
    for (const [name, value] of Object.entries(parameters)) if (value) query.set(name, value);
    return request(`/api/v1/jobs/${this.jobId}/metrics/?${query}`);
  }

  /* A frame of points. Returns how many new ones it held for this chart. */
  take(frame) {
    if (this.waiting) return this.waiting.push(frame), 0;
    if (!this.loaded) return 0;
    this.lastSeq = Math.max(this.lastSeq, frame.seq);
    if (frame.type === "withdrawn") return this.#withdraw(frame.step), 0;
    let added = 0;
    for (const part of frame.series) if (this.keys.includes(part.key)) added += this.#merge(part);
    return added;
  }

  #merge(part) {
    const fine = this.detail?.series.get(`${part.key}|${part.rank}`);
    if (fine) fine.merge(part);
    const series = this.#of(part);
    const added = series.merge(part);
    if (part.total_points !== undefined) series.total = Math.max(part.total_points, series.steps.length);
    return added;
  }

  #withdraw(step) {
    for (const series of this.series.values()) series.withdrawAfter(step);
    this.detail = null;
  }

  /* Frames that came before a withdrawal which the fetch already knows would bring back what it took away. */
  #drain(frames) {
    const known = frames.findLastIndex((frame) => frame.type === "withdrawn" && frame.seq <= this.lastSeq);
    for (const frame of frames.slice(known + 1)) this.take(frame);
  }

  /* The raw tail has grown past a quarter of the share: time to fetch the reduced range again. */
  isLong(share) {
    return this.all.some((series) => series.fetched && series.steps.length - series.fetched > Math.max(share / 4, 50) && series.steps.length > share);
  }

  #of({ key, rank }) {
    const name = `${key}|${rank}`;
    if (!this.series.has(name)) this.series.set(name, new Series(key, rank));
    return this.series.get(name);
  }
}
