/* One chart: fetches when near, draws when seen, keeps its zoom whatever arrives. Its element's data attributes say what it
   shows: data-points-shown, data-points-total, data-last-seq, data-revision. */
import { ChartData } from "./chart-data.js";
import { captionNotes, figureOf } from "./chart-figure.js";
import { startChartKeys } from "./chart-keys.js";
import { showLabels } from "./chart-labels.js";
import { startLegend } from "./chart-legend.js";
import { linesOf, shareOf } from "./chart-lines.js";
import { ChartTable } from "./chart-table.js";
import { startToolbar } from "./chart-toolbar.js";
import { axis, ChartView } from "./chart-view.js";
import { drawNow, drawSoon } from "./draw-loop.js";
import { say, whole } from "./format.js";
import { theme } from "./palette.js";
import { loadPlotly } from "./plotly-loader.js";
import { startZoom, watchDrag } from "./chart-zoom.js";

const NEAR = "600px";

export class ChartCard {
  /* `page` gives what all charts of a job share: {jobId, devices, stepsPerEpoch, attempts, ended} */
  constructor(element, page) {
    this.element = element;
    this.page = page;
    this.name = element.dataset.chart;
    this.keys = element.dataset.keys.split(" ");
    this.key = this.keys[0];
    this.figure = element.querySelector("[data-chart-figure]");
    this.view = new ChartView(this.name, { smooth: element.dataset.smooth || "0.6" });
    this.data = new ChartData(page.jobId, this.keys);
    this.isVisible = false;
    this.revision = 0;
    this.focused = "";
    this.isTouch = window.matchMedia("(pointer: coarse)").matches;
    this.table = new ChartTable(this);
    this.legend = startLegend(this);
    this.toolbar = startToolbar(this);
    startChartKeys(this);
    this.#watch();
  }

  #watch() {
    new IntersectionObserver((entries) => this.#near(entries.at(-1).isIntersecting), { rootMargin: NEAR }).observe(this.element);
    new IntersectionObserver((entries) => this.#seen(entries.at(-1).isIntersecting)).observe(this.element.querySelector("[data-chart-body]"));
    new ResizeObserver(() => this.#resized()).observe(this.figure);
    watchDrag(this);
    document.addEventListener("ft:theme", () => this.redraw());
    document.addEventListener("ft:axis", () => this.redraw());
    document.addEventListener("fullscreenchange", () => this.redraw());
  }

  async #near(isNear) {
    if (isNear && !this.plotly) await this.load();
  }

  #seen(isSeen) {
    this.isVisible = isSeen;
    if (isSeen) drawSoon(this);
  }

  #resized() {
    const width = this.figure.clientWidth;
    if (width && width !== this.width) this.redraw();
  }

  /* The number of points that each line may have, by the lines that the view shows. */
  get share() {
    return shareOf(this.lineCount || 7);
  }

  /* The whole of each series, and the finer range when zoomed in. */
  async load() {
    await this.#ask(async () => (this.plotly ??= await loadPlotly(this.element.dataset.plotly)));
    if (!this.hasFault) await this.#ask(() => this.data.load(this.share, this.view.weight));
    if (!this.hasFault && this.view.range) await this.#ask(() => this.data.loadRange(...this.view.range, this.share, this.view.weight));
    this.redraw();
  }

  /* What cannot be fetched is said in the card, with a way to try again; the rest of the page works on. */
  async #ask(fetching) {
    try {
      await fetching();
      this.#fault("");
    } catch (error) {
      this.#fault(error.detail || gettext("The server does not answer."));
    }
  }

  #fault(sentence) {
    this.hasFault = Boolean(sentence);
    const place = this.element.querySelector("[data-chart-fault]");
    place.hidden = !sentence;
    place.querySelector("[data-chart-fault-text]").textContent = sentence;
  }

  async refine() {
    this.data.detail = null;
    this.redraw();
    const range = this.view.range;
    if (!range) return;
    await this.#ask(() => this.data.loadRange(...range, this.share, this.view.weight));
    this.redraw();
  }

  /* A frame of points, or a withdrawal after which the store is asked again. */
  take(frame) {
    const added = this.data.take(frame);
    if (frame.type === "withdrawn") {
      if (this.data.loaded) this.load();
      return 0;
    }
    if (!added) return 0;
    this.#follow();
    drawSoon(this);
    if (this.data.isLong(this.share) && !this.data.loading) this.load();
    return added;
  }

  get lastStep() {
    return Math.max(0, ...this.data.all.map((series) => series.lastStep));
  }

  #follow() {
    const range = this.view.range;
    if (!range || this.lastStep <= range[1]) return;
    if (this.view.follow) this.view.set({ zoom: [this.lastStep - (range[1] - range[0]), this.lastStep].join("~") });
    else this.hasNewPoints = true;
  }

  redraw() {
    if (this.plotly && this.isVisible) drawNow(this);
    else drawSoon(this);
  }

  async draw() {
    if (!this.plotly || !this.data.loaded || this.isDragged) return;
    this.table.show();
    this.width = this.figure.clientWidth || this.width;
    const { lines, left } = linesOf(this.data, this.view, this.page.devices, this.focused);
    this.lineCount = lines.length;
    this.lines = lines;
    this.revision += 1;
    const state = { ...this.page, lines, view: this.view, key: this.key, axisName: axis.get(), theme: theme() };
    Object.assign(state, { width: this.width, height: this.figure.clientHeight, revision: this.revision, isTouch: this.isTouch });
    const { data, layout, axis: x, labels, notes } = figureOf(state);
    this.axis = x;
    await window.Plotly.react(this.figure.querySelector("[data-chart-plot]"), data, layout, { displayModeBar: false, doubleClick: false, showTips: false });
    showLabels(this.figure.querySelector("[data-chart-labels]"), labels);
    startZoom(this);
    this.#say(captionNotes(notes, left, lines.length));
    this.legend.show();
    this.toolbar.show();
    this.element.dispatchEvent(new CustomEvent("ft:drawn"));
  }

  #say(notes) {
    const total = this.data.total;
    const shown = new Set(this.lines.filter((line) => !line.isMean).map((line) => line.series));
    const points = [...shown].reduce((sum, series) => sum + series.steps.length, 0);
    const text = say(ngettext("%(shown)s of %(total)s point", "%(shown)s of %(total)s points", total), { shown: whole(points), total: whole(total) });
    this.element.querySelector("[data-chart-caption]").textContent = total ? [text, ...notes].join(" · ") : "";
    const empty = this.element.querySelector("[data-chart-empty]");
    empty.hidden = total > 0;
    empty.textContent = this.page.empty || gettext("No point yet");
    this.element.querySelector("[role=toolbar]").hidden = total === 0;
    const chip = this.element.querySelector("[data-chart-follow-chip]");
    chip.hidden = !(this.hasNewPoints && this.view.range && !this.view.follow);
    Object.assign(this.element.dataset, { pointsShown: points, pointsTotal: total, lastSeq: this.data.lastSeq, revision: this.revision });
  }
}
