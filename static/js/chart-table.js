/* The chart as a table: the same points, newest first, 100 a page. */
import { metric, say, whole } from "./format.js";

const PAGE = 100;

export class ChartTable {
  constructor(card) {
    this.card = card;
    this.place = card.element.querySelector("[data-chart-table]");
    this.page = 0;
    this.scroller = scroller();
    this.bar = document.createElement("div");
    this.bar.className = "pager";
    this.place.append(this.scroller, this.bar);
    this.place.addEventListener("click", (event) => {
      const turn = event.target.closest("[data-turn]")?.dataset.turn;
      if (turn) this.turn(Number(turn));
    });
  }

  turn(by) {
    this.page += by;
    this.scroller.focus();
    this.scroller.scrollTop = 0;
    this.show();
  }

  show() {
    const { card } = this;
    const isTable = Boolean(card.view.table);
    if (this.place.hidden === isTable) this.#turnTo(isTable);
    if (!isTable) return;
    const columns = card.data.all.filter((series) => series.steps.length);
    const rows = rowsOf(columns, card.view.range);
    this.page = Math.min(Math.max(this.page, 0), Math.max(0, Math.ceil(rows.length / PAGE) - 1));
    const shown = rows.slice(this.page * PAGE, (this.page + 1) * PAGE);
    this.scroller.replaceChildren(this.#table(columns, shown));
    if (!this.bar.contains(document.activeElement)) this.#showPager(rows.length);
  }

  /* Focus goes along to what takes the place of the chart, and back. */
  #turnTo(isTable) {
    const hadFocus = this.card.figure === document.activeElement || this.place.contains(document.activeElement);
    this.place.hidden = !isTable;
    this.card.figure.hidden = isTable;
    if (hadFocus) requestAnimationFrame(() => (isTable ? this.scroller : this.card.figure).focus());
  }

  #table(columns, rows) {
    const table = document.createElement("table");
    const head = table.createTHead().insertRow();
    head.append(cell("th", gettext("Step"), "number"));
    for (const series of columns) head.append(cell("th", `${series.key} · ${nameOf(this.card, series.rank)}`, "number"));
    const body = table.createTBody();
    for (const [step, values] of rows) {
      const row = body.insertRow();
      row.append(cell("th", whole(step), "number"));
      columns.forEach((series, i) => row.append(cell("td", values[i] === undefined ? "" : metric(values[i], series.key), "number")));
    }
    return table;
  }

  #showPager(total) {
    const first = this.page * PAGE;
    const text = say(gettext("%(first)s–%(last)s of %(total)s steps, newest first"), { first: Math.min(first + 1, total), last: Math.min(first + PAGE, total), total: whole(total) });
    this.bar.replaceChildren(text, turner(gettext("Newer"), -1, this.page === 0), turner(gettext("Older"), 1, first + PAGE >= total));
  }
}

function scroller() {
  const made = document.createElement("div");
  made.className = "table-scroll chart-rows";
  made.tabIndex = 0;
  made.setAttribute("role", "region");
  made.setAttribute("aria-label", gettext("Points as a table"));
  return made;
}

function rowsOf(columns, range) {
  const rows = new Map();
  columns.forEach((series, column) => {
    series.steps.forEach((step, i) => {
      if (range && (step < range[0] || step > range[1])) return;
      if (!rows.has(step)) rows.set(step, []);
      rows.get(step)[column] = series.values[i];
    });
  });
  return [...rows].sort((a, b) => b[0] - a[0]);
}

const nameOf = (card, rank) => card.page.devices.find((device) => device.rank === rank)?.name ?? String(rank);

function cell(kind, text, css) {
  const made = document.createElement(kind);
  made.textContent = text;
  made.className = css;
  if (kind === "th") made.scope = css && text === gettext("Step") ? "col" : "row";
  return made;
}

function turner(label, by, isOff) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "quiet small";
  made.dataset.turn = by;
  made.disabled = isOff;
  made.textContent = label;
  return made;
}
