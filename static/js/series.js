/* The points of one metric of one rank, as far as this page holds them: in order of step, each step once. */

const BAD = { nan: NaN, inf: Infinity, "-inf": -Infinity };

export class Series {
  constructor(key, rank) {
    this.key = key;
    this.rank = rank;
    this.clear();
  }

  clear() {
    this.steps = [];
    this.values = [];
    this.times = []; // ms
    this.strange = new Map(); // step → "nan", "inf" or "-inf"
    this.strangeTotal = 0;
    this.total = 0; // points that the server has, as far as we know
    this.fetched = 0; // points of the last reduced fetch: what came since is the raw tail
    this.smooth = null;
  }

  get lastStep() {
    return this.steps.length ? this.steps[this.steps.length - 1] : -1;
  }

  /* Take the answer of a fetch as all there is. */
  replace(part) {
    this.clear();
    this.merge(part);
    this.fetched = this.steps.length;
    this.total = Math.max(part.total_points ?? 0, this.steps.length); // points may be stored while the answer is made
    this.strangeTotal = part.not_finite_total ?? this.strange.size;
    if (part.smoothed) this.smooth = smoothOf(part.smoothed);
  }

  /* Add points; a step that is known keeps its place and takes the new value. Returns how many are new. */
  merge({ steps, values, times, not_finite: strange = [] }) {
    const kinds = new Map(strange);
    let added = 0;
    for (let i = 0; i < steps.length; i += 1) {
      const kind = kinds.get(steps[i]);
      const value = kind ? BAD[kind] : values[i];
      if (this.#put(steps[i], value, Date.parse(times[i]))) added += 1;
      if (kind && !this.strange.has(steps[i])) this.strangeTotal += 1;
      if (kind) this.strange.set(steps[i], kind);
    }
    return added;
  }

  #put(step, value, time) {
    if (step > this.lastStep) {
      this.steps.push(step);
      this.values.push(value);
      this.times.push(time);
      this.total += 1;
      this.#smoothOn(step, value, time);
      return true;
    }
    const at = lowerBound(this.steps, step);
    if (this.steps[at] === step) {
      this.values[at] = value;
      return false;
    }
    const complete = this.total === this.steps.length;
    this.steps.splice(at, 0, step);
    this.values.splice(at, 0, value);
    this.times.splice(at, 0, time);
    if (complete) this.total += 1;
    return complete;
  }

  /* The debiased moving average goes on from where the server's ended (docs/metrics.md). */
  #smoothOn(step, value, time) {
    const smooth = this.smooth;
    if (!smooth || !Number.isFinite(value)) return;
    smooth.average = smooth.weight * smooth.average + (1 - smooth.weight) * value;
    smooth.count += 1;
    smooth.steps.push(step);
    smooth.times.push(time);
    smooth.values.push(smooth.average / (1 - smooth.weight ** smooth.count));
  }

  withdrawAfter(step) {
    const keep = lowerBound(this.steps, step + 1);
    this.total -= this.steps.length - keep;
    for (const list of [this.steps, this.values, this.times]) list.length = keep;
    for (const known of [...this.strange.keys()]) if (known > step) this.strange.delete(known);
    this.strangeTotal = Math.min(this.strangeTotal, this.strange.size);
    if (this.smooth) cut(this.smooth, lowerBound(this.smooth.steps, step + 1));
  }
}

function smoothOf({ steps, values, times, state }) {
  return { steps: [...steps], values: [...values], times: times.map((time) => Date.parse(time)), ...state };
}

function cut(smooth, keep) {
  for (const list of [smooth.steps, smooth.values, smooth.times]) list.length = keep;
}

/* The first index whose element is not below `wanted`. */
export function lowerBound(sorted, wanted) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
