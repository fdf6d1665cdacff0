/* How a chart is looked at. All of it lives in the URL; what is as usual is left out to keep links short. */

const USUAL = { smooth: "0.6", scale: "linear", outliers: "", zoom: "", follow: "", table: "", hide: "", point: "" };
const AXES = ["step", "epoch", "relative", "wall"];

export class ChartView {
  constructor(name, usual = {}) {
    this.name = name;
    this.usual = { ...USUAL, ...usual };
    this.stack = [];
    const query = new URLSearchParams(location.search);
    for (const key of Object.keys(this.usual)) this[key] = query.get(`${name}.${key}`) ?? this.usual[key];
  }

  /* Change parts of the view and write it down. */
  set(changes) {
    Object.assign(this, changes);
    const query = new URLSearchParams(location.search);
    for (const [key, usual] of Object.entries(this.usual)) {
      if (this[key] === usual) query.delete(`${this.name}.${key}`);
      else query.set(`${this.name}.${key}`, this[key]);
    }
    writeQuery(query);
  }

  get weight() {
    const weight = Number(this.smooth);
    return weight >= 0 && weight <= 0.99 ? weight : 0;
  }

  /* The range of steps that is looked at, or null for all. */
  get range() {
    const parts = this.zoom.split("~").map(Number);
    return parts.length === 2 && parts.every(Number.isFinite) && parts[0] < parts[1] ? parts : null;
  }

  zoomTo(range) {
    this.stack.push(this.zoom);
    this.set({ zoom: range ? range.map((step) => Number(step.toPrecision(7))).join("~") : "", follow: range ? this.follow : "" });
  }

  zoomBack() {
    const before = this.stack.pop() ?? "";
    this.set({ zoom: before, follow: before ? this.follow : "" });
  }

  hides(line) {
    return this.hide.split(",").includes(line);
  }

  toggle(line) {
    const hidden = new Set(this.hide.split(",").filter(Boolean));
    if (!hidden.delete(line)) hidden.add(line);
    this.set({ hide: [...hidden].join(",") });
  }
}

/* One x axis for all charts of a page. */
export const axis = {
  get() {
    const wanted = new URLSearchParams(location.search).get("x");
    return AXES.includes(wanted) ? wanted : "step";
  },
  set(wanted) {
    const query = new URLSearchParams(location.search);
    if (wanted === "step") query.delete("x");
    else query.set("x", wanted);
    writeQuery(query);
  },
};

export function writeQuery(query) {
  const text = query.toString();
  history.replaceState(history.state, "", `${location.pathname}${text ? `?${text}` : ""}${location.hash}`);
}
