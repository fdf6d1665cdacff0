/* The name of each line at its right end, moved apart where they would lie on one another. */

const LINE_PX = 15;
const TOP_PX = 8;
const MARGINS_PX = TOP_PX + 44;

export function endLabels(lines, y, [, last], { theme, height }) {
  const inside = height - MARGINS_PX;
  const [low, high] = y.range;
  const places = lines
    .filter((line) => !line.isRaw && line.steps.length)
    .map((line) => ({ line, value: lastValue(line, last) }))
    .filter(({ value }) => Number.isFinite(value) && (!y.isLog || value > 0))
    .map(({ line, value }) => ({ line, px: ((high - (y.isLog ? Math.log10(value) : value)) / (high - low)) * inside }))
    .sort((a, b) => a.px - b.px);
  spread(places, inside);
  return places.map(({ line, px }) => ({ text: short(line.label), px: px + TOP_PX, colour: line.isMean ? theme.text : theme.hue(line.identity), isEval: Boolean(line.symbol) }));
}

/* HTML beside the figure, because Plotly colours words with inline styles, which our policy forbids. */
export function showLabels(place, labels) {
  while (place.childElementCount > labels.length) place.lastElementChild.remove();
  while (place.childElementCount < labels.length) place.append(emptyLabel());
  labels.forEach(({ text, px, colour, isEval }, i) => {
    const label = place.children[i];
    label.style.top = `${px}px`;
    label.classList.toggle("is-eval", isEval);
    label.firstElementChild.style.borderColor = colour;
    if (label.lastElementChild.textContent !== text) label.lastElementChild.textContent = text;
  });
}

function emptyLabel() {
  const label = document.createElement("div");
  label.className = "end-label";
  label.append(document.createElement("i"), document.createElement("span"));
  return label;
}

function lastValue(line, last) {
  for (let i = line.steps.length - 1; i >= 0; i -= 1) {
    if (line.steps[i] <= last && Number.isFinite(line.values[i])) return line.values[i];
  }
  return NaN;
}

function spread(places, inside) {
  for (const place of places) place.px = Math.min(Math.max(place.px, 0), inside);
  for (let i = 1; i < places.length; i += 1) places[i].px = Math.max(places[i].px, places[i - 1].px + LINE_PX);
  const over = places.length ? places[places.length - 1].px - inside : 0;
  if (over <= 0) return;
  places[places.length - 1].px = inside;
  for (let i = places.length - 2; i >= 0; i -= 1) places[i].px = Math.min(places[i].px, places[i + 1].px - LINE_PX);
}

const short = (text) => (text.length > 15 ? `${text.slice(0, 7)}…${text.slice(-6)}` : text);
