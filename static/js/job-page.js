/* The job page: one feed, its charts, and the parts that follow the state. */
import { ChartCard } from "./chart-card.js";
import { JobLanes } from "./job-lanes.js";
import { JobProgress } from "./job-progress.js";
import { onKey } from "./keys.js";
import { LiveIndicator } from "./live-indicator.js";
import "./poll-region.js";
import "./try-it.js";
import { JobFeed } from "./live.js";
import { LogView } from "./log-view.js";
import { Summary } from "./job-summary.js";

const WAITING_MS = 15_000;
const summary = new Summary(document.querySelector("[data-job-summary]"));
const page = summary.facts;
const progress = new JobProgress(summary);
const lanes = new JobLanes();
const log = document.querySelector("[data-job-log]") ? new LogView(document.querySelector("[data-job-log]"), page) : null;
const cards = [...document.querySelectorAll("[data-chart]")].map((element) => new ChartCard(element, page));
let lastPointAt = 0;
let settled = page.ended;

const feed = new JobFeed(page.jobId, {
  seq: page.seq,
  keys: () => [...new Set(cards.filter((card) => card.data.loaded).flatMap((card) => card.keys))],
  handlers: {
    connected: isConnected,
    points: takePoints,
    withdrawn: (frame) => cards.forEach((card) => card.take(frame)),
    log: (lines) => log?.add(lines),
    state: takeState,
  },
});

const indicator = new LiveIndicator(() => ({
  connected: feed.connected,
  lastHeardAt: feed.lastHeardAt,
  lastDataAt: feed.lastDataAt,
  lastPointAt,
  running: page.state === "running",
  ended: page.ended,
  settled,
}));

function isConnected() {
  indicator.show();
  for (const card of cards) if (card.hasFault) card.load();
}

function takePoints(frame) {
  lastPointAt = Date.now();
  let added = 0;
  for (const card of cards) added += card.take(frame);
  indicator.count(added);
  lanes.take(frame);
  progress.take(frame);
}

async function takeState(job) {
  progress.state(job);
  if (!summary.isNews(job)) return;
  await summary.renew();
  if (page.state !== "pending") document.querySelector("[data-job-plan]")?.remove();
  log?.know(page.devices);
  for (const card of cards) card.redraw();
  if (page.ended && !settled) await settle();
}

/* All points are in: what the charts hold is fetched once more, so that it is what the store has. */
async function settle() {
  await Promise.all(cards.filter((card) => card.data.loaded).map((card) => card.load()));
  settled = true;
}

/* A waiting job's sentence tells of time that passes without news. */
setInterval(() => page.state === "pending" && !document.hidden && summary.renew(), WAITING_MS);

onKey("l", () => document.querySelector("[data-log]")?.focus());
onKey("e", () => document.querySelector("[data-next-error]")?.click());
onKey("r", () => document.querySelector("[data-testid='state-line'] :is(a, button)")?.focus());
