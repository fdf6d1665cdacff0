/* Parameters of a step as they are typed, and steps compared. */

export function written(value, kind) {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return value;
  if (kind === "json") return JSON.stringify(value);
  if (!Array.isArray(value)) return String(value);
  return value.some((part) => /[,[\]"]/.test(part)) ? JSON.stringify(value) : value.join(", ");
}

/* What cannot be read goes to the server as it was typed, which says what it expects. */
export function read(text, kind) {
  if (!text) return undefined;
  if (kind === "whole" || kind === "number") return Number(text);
  if (kind === "json") return parsed(text) ?? text;
  if (kind !== "words" && kind !== "numbers") return text;
  const list = parsed(text);
  if (Array.isArray(list)) return list;
  const parts = text.split(",").map((part) => part.trim()).filter(Boolean);
  if (kind === "words") return parts;
  return parts.every((part) => Number.isFinite(Number(part))) ? parts.map(Number) : text;
}

/* Whether both do the same: a first step that decodes, and parameters at their defaults, need not be written. */
export function same(one, other, known) {
  return Boolean(one && other) && full(one, known) === full(other, known);
}

function full(steps, known) {
  const needed = steps.filter((step) => step.step !== "decode" || step.background?.some((part) => part !== 255));
  const all = needed.map((step) => ({ step: step.step, ...known[step.step]?.parameters, ...step }));
  return JSON.stringify(all.map((step) => Object.entries(step).sort(([a], [b]) => (a < b ? -1 : 1))));
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
