/* When charts draw: what came after silence at once, a stream at 2 to 4 Hz, nothing while paused or out of sight. */

const FAST_MS = 250;
const SLOW_MS = 500;
const BUSY_MS = 60; // a round of drawing that took longer than this halves the pace

const dirty = new Set();
let drawnAt = 0;
let tookMs = 0;
let timer = null;
let held = false;

/* `drawable` has draw() and isVisible. */
export function drawSoon(drawable) {
  dirty.add(drawable);
  if (held || document.hidden || timer !== null) return;
  const pause = tookMs > BUSY_MS ? SLOW_MS : FAST_MS;
  timer = setTimeout(() => requestAnimationFrame(round), Math.max(0, drawnAt + pause - performance.now()));
}

/* The reader's own action is answered in the next frame. */
export function drawNow(drawable) {
  dirty.add(drawable);
  requestAnimationFrame(() => dirty.has(drawable) && drawOne(drawable));
}

export function holdDrawing(isHeld) {
  held = isHeld;
  if (!held) wake();
}

document.addEventListener("visibilitychange", () => !document.hidden && wake());

function wake() {
  for (const drawable of dirty) drawSoon(drawable);
}

function round() {
  timer = null;
  if (held || document.hidden) return;
  const began = performance.now();
  for (const drawable of [...dirty]) if (drawable.isVisible) drawOne(drawable);
  drawnAt = performance.now();
  tookMs = drawnAt - began;
}

function drawOne(drawable) {
  dirty.delete(drawable);
  drawable.draw();
}
