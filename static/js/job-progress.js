/* Step, share, time left and the headline numbers, patched as points come. The tab's title begins with the share. */
import { duration, metric, percent, say, timeLeft, whole } from "./format.js";

const LEAST_MS = 500;
const PACE_MS = 30_000; // the pace is that of the last half minute
const PACE_STEPS = 20; // before so many steps nobody knows how fast it is

export class JobProgress {
  constructor(summary) {
    this.summary = summary;
    this.job = null;
    this.step = 0;
    this.shownAt = 0;
    this.left = null;
    this.pace = [];
    setInterval(() => this.#tick(), 1000);
  }

  state(job) {
    this.job = job;
    this.step = Math.max(job.step, this.job?.state === "running" ? this.step : 0);
    this.left = job.eta_seconds;
    this.leftAt = Date.now();
    this.#show();
  }

  take(frame) {
    if (!this.job) return;
    for (const { key, steps, values } of frame.series) {
      if (!steps.length) continue;
      if (key === "train/loss") this.#advance(steps[steps.length - 1]);
      this.#figure(key, values[values.length - 1]);
    }
    this.#showSoon();
  }

  /* At most twice a second, and the last word is always said. */
  #showSoon() {
    this.timer ??= setTimeout(() => this.#show(), Math.max(0, this.shownAt + LEAST_MS - Date.now()));
  }

  #advance(step) {
    if (step <= this.step) return;
    this.step = step;
    this.pace.push([Date.now(), step]);
    while (this.pace.length > 2 && Date.now() - this.pace[0][0] > PACE_MS) this.pace.shift();
  }

  /* By the pace at which steps came here; before that by the server's word, running down. */
  get secondsLeft() {
    if (this.job.state !== "running") return null;
    const [first, last] = [this.pace[0], this.pace[this.pace.length - 1]];
    if (first && last[1] - first[1] >= PACE_STEPS) {
      return ((Date.now() - first[0]) / 1000 / (last[1] - first[1])) * (this.job.total_steps - this.step);
    }
    return this.left === null ? null : Math.max(0, this.left - (Date.now() - this.leftAt) / 1000);
  }

  #show() {
    const { job } = this;
    clearTimeout(this.timer);
    this.timer = null;
    this.shownAt = Date.now();
    const bar = document.querySelector("[data-progress]");
    if (!job.total_steps || !bar) return;
    const share = job.state === "succeeded" ? 1 : Math.min(1, this.step / job.total_steps);
    bar.value = share;
    const parts = { step: whole(this.step), total: whole(job.total_steps), share: percent(share) };
    const text = say(gettext("Step %(step)s of %(total)s · %(share)s"), parts);
    const left = this.secondsLeft;
    setText("[data-progress-text]", left === null ? text : `${text} · ${timeLeft(left)}`);
    setText("[data-stage='fine_tune'] .detail:not([data-proof])", say(gettext("Step %(step)s of %(total)s"), parts));
    if (job.steps_per_epoch && this.step) setText("[data-epoch-text]", `· ${epochs(this.step, job)}`);
    this.#title(share);
  }

  #title(share) {
    const word = document.querySelector("[data-testid='status'] span")?.textContent ?? "";
    const isMoving = !["succeeded", "failed", "cancelled", "pending"].includes(this.job.state);
    const sign = document.hidden ? { succeeded: "✓ ", failed: "✕ " }[this.job.state] ?? "" : "";
    document.title = `${sign}${isMoving ? `${percent(share)} · ` : ""}${this.job.name} · ${word} · Fleetune`;
  }

  #figure(key, value) {
    if (typeof value === "number") setText(`[data-figure="${key}"]`, metric(value, key));
  }

  #tick() {
    if (this.job?.state !== "running" || !this.job.started_at) return;
    setText("[data-figure='elapsed']", duration((Date.now() - Date.parse(this.job.started_at)) / 1000));
    if (Date.now() - this.shownAt > 2 * LEAST_MS) this.#show();
  }
}

function epochs(step, job) {
  const total = (job.total_steps / job.steps_per_epoch).toFixed(1).replace(/\.0$/, "");
  return say(gettext("Epoch %(epoch)s of %(total)s"), { epoch: (step / job.steps_per_epoch).toFixed(1), total });
}

function setText(selector, text) {
  const element = document.querySelector(selector);
  if (element && element.textContent !== text) element.textContent = text;
}
