/* Head, state line, progress and stages are renewed as the server renders them, whenever the job's state is news. */
import { morph } from "./morph.js";
import { fragment, showBanner } from "./rest.js";
import { announce } from "./toasts.js";

const LEAST_MS = 500;
const AGAIN_MS = 2000;

async function renewDevices() {
  const place = document.querySelector("[data-job-devices]");
  if (place) morph(place, await fragment(`${location.pathname}?part=devices`));
}

export class Summary {
  constructor(element) {
    this.element = element;
    this.facts = {};
    this.known = "";
    this.renewedAt = 0;
    this.#read();
  }

  /* Facts are one object for all modules of the page; renewed in place. */
  #read() {
    const facts = JSON.parse(document.getElementById("live-facts").textContent);
    Object.assign(this.facts, facts, { jobId: facts.job });
  }

  isNews(job) {
    const { state, wait_reason: wait, end_reason: end, stage, activity, name, tags, archived, proofs, attempts } = job;
    const ranks = attempts.map((attempt) => [attempt.number, attempt.state, attempt.ranks.map((rank) => [rank.device, rank.stage, rank.activity])]);
    const now = JSON.stringify([state, wait, end, job.state_line?.text, stage, activity, name, tags, archived, proofs, ranks, Object.keys(job.summary)]);
    const isNews = now !== this.known;
    this.known = now;
    return isNews;
  }

  /* At most twice a second. A wish that comes while an answer is under way is met by one more round. */
  renew() {
    this.isWanted = true;
    this.renewing ??= this.#renewWhileWanted().finally(() => (this.renewing = null));
    return this.renewing;
  }

  async #renewWhileWanted() {
    while (this.isWanted) {
      const wait = this.renewedAt + LEAST_MS - Date.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      this.isWanted = false;
      await this.#tryOnce();
    }
  }

  /* A server that is away is asked again; what the page shows stays until then. */
  async #tryOnce() {
    try {
      await this.#renewOnce();
      showBanner("unreachable", false);
    } catch (error) {
      if (error.status === 401) return; // the banner says so
      showBanner("unreachable");
      this.renewedAt = Date.now() + AGAIN_MS;
      this.isWanted = true;
    }
  }

  async #renewOnce() {
    const before = this.facts.state;
    const html = await fragment(`${location.pathname}?part=summary`);
    this.renewedAt = Date.now();
    morph(this.element, html);
    this.#read();
    await renewDevices();
    document.title = `${this.element.dataset.title} · Fleetune`;
    if (this.facts.state !== before) announce(this.#sentence());
  }

  #sentence() {
    const word = this.element.querySelector("[data-testid='status']").textContent.trim();
    const line = this.element.querySelector("[data-testid='state-line'] .text")?.textContent.trim() ?? "";
    return `${this.facts.title}: ${word}. ${line}`;
  }
}
