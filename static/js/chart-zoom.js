/* Zoom and pan. A zoom is a range of steps, whatever the axis shows; each goes on a stack, so that there is a way back. */

const FACTOR = 0.6;

/* Drags in the figure become zooms. Bound once the figure exists. */
export function startZoom(card) {
  if (card.zoomBound) return;
  card.zoomBound = true;
  const plot = card.figure.querySelector("[data-chart-plot]");
  plot.on("plotly_relayout", (event) => {
    const low = event["xaxis.range[0]"] ?? event["xaxis.range"]?.[0];
    const high = event["xaxis.range[1]"] ?? event["xaxis.range"]?.[1];
    if (low === undefined || high === undefined) return;
    zoomTo(card, [card.axis.step(number(low, card)), card.axis.step(number(high, card))]);
  });
  plot.on("plotly_doubleclick", () => zoomBack(card));
}

/* A redraw under the pointer would take the drag away from the reader. */
export function watchDrag(card) {
  card.figure.addEventListener("pointerdown", () => (card.isDragged = true));
  for (const name of ["pointerup", "pointercancel"]) {
    window.addEventListener(name, () => {
      if (!card.isDragged) return;
      card.isDragged = false;
      card.redraw();
    });
  }
}

const number = (x, card) => (card.axis.type === "date" && typeof x === "string" ? Date.parse(`${x.replace(" ", "T")}Z`) : Number(x));

export function zoomTo(card, range) {
  if (range && !(range[1] - range[0] > 1e-6)) return;
  card.view.zoomTo(range);
  card.hasNewPoints = false;
  card.refine();
}

export function zoomBack(card) {
  card.view.zoomBack();
  card.hasNewPoints = false;
  card.refine();
}

export function zoomBy(card, direction) {
  const [first, last] = rangeNow(card);
  const half = ((last - first) / 2) * (direction > 0 ? FACTOR : 1 / FACTOR);
  const middle = (first + last) / 2;
  const range = [Math.max(0, middle - half), Math.min(card.lastStep, middle + half)];
  const isWhole = direction < 0 && range[0] <= 1 && range[1] >= card.lastStep;
  zoomTo(card, isWhole ? null : range);
}

export function panBy(card, direction) {
  const [first, last] = rangeNow(card);
  const width = last - first;
  const start = Math.min(Math.max(0, first + direction * width * 0.3), Math.max(0, card.lastStep - width));
  zoomTo(card, [start, start + width]);
}

export function toggleFollow(card) {
  const range = card.view.range ?? [Math.max(0, card.lastStep * 0.75), card.lastStep];
  if (!card.view.follow) {
    const width = range[1] - range[0];
    card.view.zoomTo([Math.max(0, card.lastStep - width), card.lastStep]);
  }
  card.view.set({ follow: card.view.follow ? "" : "1" });
  card.hasNewPoints = false;
  card.refine();
}

const rangeNow = (card) => card.view.range ?? [0, card.lastStep];
