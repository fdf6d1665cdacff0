/* Colours of the theme as charts need them, and what tells devices apart: hue, dash and marker by identity number. */

const DASHES = ["solid", "dot", "dashdot", "longdashdot"];
const MARKERS = [["circle-open", 11], ["square", 6], ["diamond-open", 12], ["triangle-up", 7]];

export function theme() {
  const style = getComputedStyle(document.documentElement);
  const token = (name) => style.getPropertyValue(`--ft-${name}`).trim();
  return {
    text: token("text"),
    muted: token("text-2"),
    grid: token("border"),
    line: token("border-strong"),
    surface: token("surface"),
    bad: token("bad"),
    font: style.getPropertyValue("--ft-font").trim(),
    hue: (identity) => token(`hue-${(identity % 8) + 1}`),
  };
}

export const dashOf = (identity) => DASHES[Math.floor(identity / 8) % 4];

/* [symbol, size in px]: open and filled ones alternate, so that two at the same place are both seen. */
export const markerOf = (identity) => MARKERS[identity % 4];
