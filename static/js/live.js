/* The live contract of a job page.

   Subscribe first and buffer; fetch what the store has; merge, dropping every seq already seen; drain the buffer. Points are
   stored before they are published, so the fetch is never behind the socket. A gap in seq causes one fetch from the last good
   one. Charts keep their own fetched range (`ChartData.covered`); this module keeps the order of the stream. */
import { LiveSocket } from "./live-socket.js";
import { request, showBanner } from "./rest.js";

const POLL_MS = 3000;

export class JobFeed {
  /* handlers: {points(frame), state(job), log(lines), withdrawn(frame), silence()}; keys(): metric keys on the page */
  constructor(jobId, { seq, handlers, keys }) {
    this.jobId = jobId;
    this.lastSeq = seq;
    this.stateSeq = -1;
    this.logSeq = seq;
    this.handlers = handlers;
    this.keys = keys;
    this.buffer = [];
    this.catchingUp = null;
    this.lastHeardAt = Date.now();
    this.lastDataAt = Date.now();
    this.connected = false;
    this.refused = 0;
    this.socket = new LiveSocket(() => `/ws/jobs/${jobId}/?after=${this.lastSeq}`, {
      open: () => this.#subscribed(),
      message: (frame) => this.#heard(frame),
      lost: () => (this.connected = false),
      refused: (code) => (this.refused = code),
      away: (isAway) => this.#poll(isAway),
    });
  }

  #subscribed() {
    this.connected = true;
    this.lastHeardAt = Date.now();
    this.handlers.connected?.();
    this.#catchUp();
  }

  #heard(frame) {
    this.lastHeardAt = Date.now();
    if (frame.type === "heartbeat") return this.#heartbeat(frame);
    if (this.catchingUp) this.buffer.push(frame);
    else this.#take(frame);
  }

  #heartbeat(frame) {
    if (frame.seq > this.lastSeq && !this.catchingUp) this.socket.restart();
  }

  /* A state tells the whole of itself; anything else that leaves numbers out shows that something was missed. */
  #take(frame) {
    if (frame.type !== "state" && frame.first_seq > this.lastSeq + 1) {
      this.buffer.push(frame);
      return void this.#catchUp();
    }
    this.#apply(frame);
  }

  #apply(frame) {
    if (frame.type === "state") this.#applyState(frame);
    else if (frame.type === "log") this.#applyLog(frame);
    else this.handlers[frame.type]?.(frame);
    if (frame.type !== "state") this.lastDataAt = Date.now();
    if (frame.first_seq <= this.lastSeq + 1) this.lastSeq = Math.max(this.lastSeq, frame.seq);
  }

  #applyState(frame) {
    if (frame.job.seq < this.stateSeq) return;
    this.stateSeq = frame.job.seq;
    this.handlers.state(frame.job);
  }

  #applyLog(frame) {
    const lines = frame.lines.filter((line) => line.seq > this.logSeq);
    if (lines.length) this.handlers.log(lines);
    this.logSeq = Math.max(this.logSeq, frame.seq);
  }

  /* One fetch from the last good seq; whatever arrives meanwhile waits in the buffer. */
  async #catchUp() {
    if (this.catchingUp) return;
    this.catchingUp = this.#fetchMissed();
    try {
      await this.catchingUp;
    } catch (error) {
      if (error.status !== 401) this.socket.restart();
    } finally {
      this.catchingUp = null;
    }
    for (const frame of this.buffer.splice(0)) this.#drain(frame);
  }

  #drain(frame) {
    const isCovered = frame.type !== "state" && frame.first_seq > this.lastSeq + 1; // by the fetch just now
    if (isCovered) this.lastSeq = frame.first_seq - 1;
    this.#apply(frame);
  }

  async #fetchMissed() {
    const keys = this.keys();
    if (!keys.length) return;
    const query = new URLSearchParams({ after: this.lastSeq, max_points: 0 });
    for (const key of keys) query.append("key", key);
    const answer = await request(`/api/v1/jobs/${this.jobId}/metrics/?${query}`);
    if (answer.cursor <= this.lastSeq) return;
    this.handlers.points({ first_seq: this.lastSeq + 1, seq: answer.cursor, series: answer.series });
    this.pointsFetched = answer.cursor;
  }

  /* Sockets are away (a proxy that refuses them, a server that restarts): ask over HTTP until they are back. */
  #poll(isAway) {
    showBanner("polling", isAway);
    clearInterval(this.polling);
    if (isAway) this.polling = setInterval(() => this.#ask(), POLL_MS);
  }

  async #ask() {
    try {
      const job = await request(`/api/v1/jobs/${this.jobId}/`);
      await this.#fetchMissed();
      this.#applyState({ job });
      this.lastSeq = Math.max(this.lastSeq, this.pointsFetched ?? 0);
      this.lastHeardAt = Date.now();
      this.lastDataAt = Date.now();
      showBanner("unreachable", false);
    } catch (error) {
      if (error.status === undefined) showBanner("unreachable");
    }
  }
}
