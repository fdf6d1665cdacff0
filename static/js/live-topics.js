/* Live lists: [data-live-region="fleet queue"] with data-live-url is fetched again when one of its topics has news, at most
   twice a second, and patched in place. Rows do not move while the pointer or the focus is on the region. */
import { LiveIndicator } from "./live-indicator.js";
import { LiveSocket } from "./live-socket.js";
import { morph } from "./morph.js";
import { fragment, showBanner } from "./rest.js";
import { steady } from "./steady-rows.js";

const LEAST_MS = 500;
const POLL_MS = 5000;
const listeners = [];
let socket = null;
let lastHeardAt = Date.now();
let connected = false;
let polling = null;

/* Call `act(frame)` for frames of these topics, until the function that comes back is called. One socket serves the
   whole page. */
export function subscribe(topics, act) {
  const listener = { topics, act };
  listeners.push(listener);
  if (socket) tellTopics();
  else connect();
  return () => {
    listeners.splice(listeners.indexOf(listener), 1);
    tellTopics();
  };
}

function connect() {
  socket = new LiveSocket(() => "/ws/live/", {
    open: () => ((connected = true), heard(), tellTopics(), everybody()),
    message: (frame) => (heard(), deliver(frame)),
    lost: () => (connected = false),
    refused: () => {},
    away: poll,
  });
  new LiveIndicator(() => ({ connected, lastHeardAt, lastDataAt: lastHeardAt, lastPointAt: 0, running: false, ended: false, settled: false }));
}

const heard = () => (lastHeardAt = Date.now());
const tellTopics = () => socket.send({ subscribe: [...new Set(listeners.flatMap(({ topics }) => topics))] });
const topicOf = (frame) => (frame.type === "job" ? `job:${frame.job.id}` : frame.type);

function deliver(frame) {
  for (const { topics, act } of listeners) if (topics.includes(topicOf(frame))) act(frame);
}

/* After a reconnect everybody looks again: what was missed is in the database. */
function everybody() {
  for (const { act } of listeners) act(null);
}

function poll(isAway) {
  showBanner("polling", isAway);
  clearInterval(polling);
  if (isAway) polling = setInterval(() => (heard(), everybody()), POLL_MS);
}

for (const region of document.querySelectorAll("[data-live-region]")) {
  subscribe(region.dataset.liveRegion.split(" "), renewer(region));
}

function renewer(region) {
  let timer = null;
  let at = 0;
  let isFirst = true;
  const renew = async () => {
    timer = null;
    if (document.hidden) return document.addEventListener("visibilitychange", soon, { once: true });
    at = Date.now();
    try {
      morph(region, steady(region, await fragment(region.dataset.liveUrl), soon));
      region.dispatchEvent(new CustomEvent("ft:renewed", { bubbles: true }));
      showBanner("unreachable", false);
    } catch (error) {
      if (error.status === undefined) showBanner("unreachable");
    }
  };
  const soon = () => (timer ??= setTimeout(renew, Math.max(0, at + LEAST_MS - Date.now())));
  return () => {
    if (isFirst) isFirst = false; // the page has just been rendered
    else soon();
  };
}
