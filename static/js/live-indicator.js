/* Live · Paused · Stale · Ended, as icon and word; a click or "." pauses. What it says comes from the feed's clock. */
import { clock, say, whole } from "./format.js";
import { holdDrawing } from "./draw-loop.js";
import { onKey } from "./keys.js";

const LIVE_S = 10;
const STALE_S = 30;

export class LiveIndicator {
  /* now(): {connected, lastHeardAt, lastDataAt, lastPointAt, running, ended, settled} */
  constructor(now) {
    this.now = now;
    this.paused = false;
    this.missed = 0;
    this.button = document.querySelector("[data-live-indicator]");
    this.button.hidden = false;
    this.button.addEventListener("click", () => this.toggle());
    onKey(".", () => this.toggle());
    setInterval(() => this.show(), 1000);
    this.show();
  }

  toggle() {
    this.paused = !this.paused;
    this.missed = 0;
    holdDrawing(this.paused);
    this.show();
  }

  count(points) {
    if (this.paused) this.missed += points;
  }

  show() {
    const [state, word, detail] = this.#state();
    this.button.dataset.live = state;
    setText(this.button.querySelector("[data-live-word]"), word);
    setText(this.button.querySelector("[data-live-detail]"), detail);
    const action = this.paused ? gettext("Resume") : gettext("Pause");
    const label = `${word}${detail ? ` ${detail}` : ""}. ${action}`;
    if (this.button.getAttribute("aria-label") !== label) this.button.setAttribute("aria-label", label);
  }

  #state() {
    const { connected, lastHeardAt, lastDataAt, lastPointAt, running, ended, settled } = this.now();
    if (this.paused) return ["paused", gettext("Paused"), this.missed ? say(ngettext("· %(n)s new point. Resume", "· %(n)s new points. Resume", this.missed), { n: whole(this.missed) }) : gettext("· Resume")];
    if (ended && settled) return ["ended", gettext("Ended"), ""];
    const quiet = (Date.now() - (running ? lastDataAt : lastHeardAt)) / 1000;
    if (quiet >= STALE_S) return ["stale", gettext("Stale"), staleDetail(quiet, lastPointAt, connected)];
    if (connected && (Date.now() - lastHeardAt) / 1000 < LIVE_S) return ["live", gettext("Live"), ""];
    return ["connecting", gettext("Connecting"), ""];
  }
}

function staleDetail(quiet, lastPointAt, connected) {
  const parts = [say(gettext("· No data for %(n)s s."), { n: Math.round(quiet) })];
  if (lastPointAt) parts.push(say(gettext("Last point %(time)s."), { time: clock(new Date(lastPointAt)) }));
  if (!connected) parts.push(gettext("Reconnecting"));
  return parts.join(" ");
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
