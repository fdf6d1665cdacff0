/* [data-poll-url]: a piece of the page that is fetched again every 2 s (data-poll-every ms) while the tab is seen. For what
   has no live topic: imports, uploads, readiness. A redirect means that this page's thing has moved on: follow it. */
import { morph } from "./morph.js";

const EVERY_MS = 2000;
const AFTER_FAILURE_MS = 10_000;

for (const region of document.querySelectorAll("[data-poll-url]")) later(region, wait(region));

function wait(region) {
  return Number(region.dataset.pollEvery) || EVERY_MS;
}

function later(region, ms) {
  setTimeout(() => (document.hidden ? later(region, ms) : look(region)), ms);
}

async function look(region) {
  try {
    const answer = await fetch(region.dataset.pollUrl, { credentials: "same-origin", headers: { "HX-Request": "true" } });
    if (answer.redirected) return location.replace(answer.url);
    if (!answer.ok) return later(region, AFTER_FAILURE_MS);
    const html = await answer.text();
    if (!region.matches(":hover:has(button:active)")) morph(region, html);
    return region.dataset.pollUrl && later(region, wait(region)); // what comes without an address is settled
  } catch {
    return later(region, AFTER_FAILURE_MS); // the server is away for a moment; the page stays as it is
  }
}
