/* Rows of jobs that run ([data-job]) follow their job: bar, per cent and time left change as it is reported, without the
   list being fetched again. Which jobs these are changes as regions are renewed. */
import { timeLeft } from "./format.js";
import { subscribe } from "./live-topics.js";

const MOST = 40;
let followed = "";
let leave = null;

follow();
document.addEventListener("ft:renewed", follow);

function follow() {
  const rows = [...document.querySelectorAll('[data-job][data-state="running"]')];
  const jobs = [...new Set(rows.map((row) => row.dataset.job))].slice(0, MOST);
  if (jobs.join() === followed) return;
  followed = jobs.join();
  leave?.();
  leave = jobs.length ? subscribe(jobs.map((job) => `job:${job}`), (frame) => frame && show(frame.job)) : null;
}

function show(job) {
  for (const row of document.querySelectorAll(`[data-job="${job.id}"]`)) {
    const bar = row.querySelector("[data-field=progress]");
    if (bar) bar.value = job.progress;
    say(row, "percent", `${Math.round(job.progress * 100)}%`);
    say(row, "left", leftOf(job));
  }
}

function leftOf(job) {
  if (job.progress >= 1) return job.state_line.text;
  return job.eta_seconds === null ? gettext("Measuring speed…") : timeLeft(job.eta_seconds);
}

function say(row, name, text) {
  const place = row.querySelector(`[data-field=${name}]`);
  if (place && place.textContent !== text) place.textContent = text;
}
