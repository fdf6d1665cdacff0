/* Numbers, sizes and times as every page shows them; `config/formats.py` says the same on the server. */

const SHARES = new Set(["accuracy", "exact_match", "f1_macro", "map", "map_50", "map_75", "percent", "precision_macro", "recall_macro", "token_accuracy", "top_3_accuracy", "top_5_accuracy"]);
const MISSING = "—";

export const say = (template, values) => interpolate(template, values, true);

/* 0.03142, 12.35, 1.204e-6 */
export function significant(value, digits = 4) {
  if (value === null || value === undefined) return MISSING;
  if (Number.isNaN(value)) return gettext("not a number");
  if (!Number.isFinite(value)) return "∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString("en-US");
  if (size < 1e-4) return value.toExponential(digits - 1);
  return value.toFixed(Math.max(digits - (Math.floor(Math.log10(size)) + 1), 0));
}

export const isShare = (key) => SHARES.has(key.split("/").pop());

export function metric(value, key) {
  if (typeof value === "number" && Number.isFinite(value) && isShare(key)) return `${(value * 100).toFixed(1)}%`;
  return significant(value);
}

export const whole = (value) => (value === null || value === undefined ? MISSING : value.toLocaleString("en-US"));

export const percent = (share) => `${Math.round(share * 100)}%`;

export function size(bytes) {
  if (bytes === null || bytes === undefined) return MISSING;
  if (bytes < 1024) return `${bytes} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(Math.floor(Math.log2(bytes) / 10), units.length);
  const amount = bytes / 1024 ** power;
  return `${amount.toFixed(amount >= 100 ? 0 : 1)} ${units[power - 1]}`;
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined || seconds < 0) return MISSING;
  if (seconds < 10) return say(gettext("%(n)s s"), { n: seconds.toFixed(1).replace(".0", "") });
  if (seconds < 90) return say(gettext("%(n)s s"), { n: Math.round(seconds) });
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return say(gettext("%(n)s min"), { n: minutes });
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return say(gettext("%(h)s h %(m)s min"), { h: hours, m: minutes % 60 });
  return say(gettext("%(d)s d %(h)s h"), { d: Math.floor(hours / 24), h: hours % 24 });
}

/* A time left as a range that narrows: nobody knows it to the second. */
export function timeLeft(seconds) {
  if (seconds < 5) return gettext("a few seconds left");
  const low = seconds * 0.9;
  const high = seconds * 1.15;
  if (high < 90) return say(gettext("about %(low)s–%(high)s s left"), { low: round5(low), high: round5(high) });
  if (high < 5400) return minutesLeft(Math.max(1, Math.round(low / 60)), Math.round(high / 60));
  return say(gettext("about %(low)s–%(high)s h left"), { low: (low / 3600).toFixed(1), high: (high / 3600).toFixed(1) });
}

const round5 = (seconds) => Math.max(5, Math.round(seconds / 5) * 5);

function minutesLeft(low, high) {
  if (low >= high) return say(gettext("about %(n)s min left"), { n: low });
  return say(gettext("about %(low)s–%(high)s min left"), { low, high });
}

/* The zone in which the server wrote the times of this page: the reader's own setting. */
const zone = () => document.body.dataset.timeZone || "UTC";

export function clock(date) {
  return date.toLocaleTimeString("en-GB", { timeZone: zone(), hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

/* How far that zone is ahead of UTC at a moment, in ms. */
export function zoneOffset(date) {
  const there = new Date(date.toLocaleString("en-US", { timeZone: zone() }));
  return there - new Date(date.toLocaleString("en-US", { timeZone: "UTC" }));
}
