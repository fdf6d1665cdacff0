/* The chart as a table: the same points, newest first, 100 a page. */
import { metric, say, whole } from "./format.js";

const PAGE = 100;

export class ChartTable {
  constructor(card) {
    this.card = card;
    this.place = card.element.querySelector("[data-chart-table]");
    this.page = 0;
    this.place.addEventListener("click", (event) => {
      const turn = event.target.closest("[data-turn]")?.dataset.turn;
      if (turn) this.turn(Number(turn));
    });
  }

  turn(by) {
    this.page += by;
    this.show();
    this.place.querySelector("[data-turn]:not([disabled])")?.focus();
  }

  show() {
    const { card } = this;
    const isTable = Boolean(card.view.table);
    this.place.hidden = !isTable;
    card.figure.hidden = isTable;
    if (!isTable || document.activeElement?.closest?.("[data-chart-table] table")) return;
    const columns = card.data.all.filter((series) => series.steps.length);
    const rows = rowsOf(columns, card.view.range);
    this.page = Math.min(Math.max(this.page, 0), Math.max(0, Math.ceil(rows.length / PAGE) - 1));
    const shown = rows.slice(this.page * PAGE, (this.page + 1) * PAGE);
    this.place.replaceChildren(this.#table(columns, shown), this.#pager(rows.length));
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
    const scroller = document.createElement("div");
    scroller.className = "table-scroll chart-rows";
    scroller.tabIndex = 0;
    scroller.setAttribute("role", "region");
    scroller.setAttribute("aria-label", gettext("Points as a table"));
    scroller.append(table);
    return scroller;
  }

  #pager(total) {
    const bar = document.createElement("div");
    bar.className = "pager";
    const first = this.page * PAGE;
    const text = say(gettext("%(first)s–%(last)s of %(total)s steps, newest first"), { first: Math.min(first + 1, total), last: Math.min(first + PAGE, total), total: whole(total) });
    bar.append(text, turner(gettext("Newer"), -1, this.page === 0), turner(gettext("Older"), 1, first + PAGE >= total));
    return bar;
  }
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
