/* The name of each line at its right end, moved apart where they would lie on one another. */

const LINE_PX = 15;
const MARGINS_PX = 52;

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
  return places.map(({ line, px }) => ({
    xref: "paper",
    yref: "paper",
    x: 1,
    y: 1 - px / inside,
    xanchor: "left",
    yanchor: "middle",
    showarrow: false,
    align: "left",
    text: `<span style="color:${line.isMean ? theme.text : theme.hue(line.identity)}">${line.symbol ? "┄" : "━"}</span> ${escaped(line.label)}`,
    font: { size: 12, color: theme.text },
  }));
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

/* Names come from people; Plotly reads a little markup. */
function escaped(text) {
  const short = text.length > 14 ? `${text.slice(0, 6)}…${text.slice(-6)}` : text;
  return short.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
