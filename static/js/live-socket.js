/* One websocket that stays: it comes back within 15 s of a server that does, and knows when it was signed out.
   It never interprets a message; that is for whoever listens. */
import { showBanner } from "./rest.js";

const QUICK_WAIT_MS = 500; // a line that was cut for a moment
const NEXT_WAIT_MS = 6_000; // a server that restarts
const LONGEST_WAIT_MS = 15_000;
const SILENCE_MS = 12_000; // the server opens at once and speaks at least each 5 s
const TRIES_BEFORE_POLLING = 3;
const FINAL = new Set([4401, 4403, 4404]);

export class LiveSocket {
  /* address() gives the path with its query; on: {open, message(frame), lost, refused(code), away(isAway)} */
  constructor(address, on) {
    this.address = address;
    this.on = on;
    this.failures = 0;
    this.closed = false;
    window.addEventListener("online", () => this.reconnectNow());
    window.addEventListener("pagehide", () => this.close());
    window.addEventListener("pageshow", (event) => event.persisted && this.reopen());
    this.connect();
  }

  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  connect() {
    clearTimeout(this.timer);
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}${this.address()}`);
    this.socket = socket;
    this.#listenForSilence();
    socket.addEventListener("open", () => this.#opened(socket));
    socket.addEventListener("message", (event) => this.#heard(socket, event));
    socket.addEventListener("close", (event) => this.#lost(socket, event.code));
  }

  reconnectNow() {
    if (this.closed || this.socket?.readyState === WebSocket.OPEN) return;
    this.failures = 0;
    this.#drop();
    this.connect();
  }

  /* The other side has told us that we missed something: begin anew. */
  restart() {
    if (this.closed) return;
    this.#drop();
    this.on.lost();
    this.timer = setTimeout(() => this.connect(), waitBefore(1));
  }

  close() {
    this.closed = true;
    this.#drop();
  }

  reopen() {
    this.closed = false;
    this.connect();
  }

  #drop() {
    clearTimeout(this.timer);
    clearTimeout(this.silence);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  #opened(socket) {
    if (socket !== this.socket) return;
    this.failures = 0;
    this.on.away(false);
    this.#listenForSilence();
    this.on.open();
  }

  #heard(socket, event) {
    if (socket !== this.socket) return;
    this.#listenForSilence();
    this.on.message(JSON.parse(event.data));
  }

  #listenForSilence() {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.#silent(), SILENCE_MS);
  }

  #silent() {
    this.#drop();
    this.#lost(null, 0);
  }

  #lost(socket, code) {
    if (socket !== this.socket || this.closed) return;
    clearTimeout(this.silence);
    this.on.lost();
    if (FINAL.has(code)) return this.#refused(code);
    this.failures += 1;
    if (this.failures >= TRIES_BEFORE_POLLING) this.on.away(true);
    this.timer = setTimeout(() => this.connect(), waitBefore(this.failures));
  }

  #refused(code) {
    this.closed = true;
    if (code === 4401) showBanner("signed-out");
    this.on.refused(code);
  }
}

/* A server that restarts has lost all its pages at the same moment. Each comes back at a moment of its own: of a hundred
   about 25 in the busiest second, however long it was away (waits that double and vary by a quarter brought 90). */
export function waitBefore(failures, chance = Math.random()) {
  if (failures === 1) return QUICK_WAIT_MS * (0.5 + chance / 2);
  return (failures === 2 ? NEXT_WAIT_MS : LONGEST_WAIT_MS) * chance;
}
