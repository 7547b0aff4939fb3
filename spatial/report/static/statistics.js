// What the page works out itself: standardised values, lags, the false discovery rate, clusters, classes, slopes.
// Each follows the formula of the Python package, in the same order of operations where that decides a tie.

export const HH = 0;
export const LL = 1;
export const LH = 2;
export const HL = 3;
export const NOT_SIGNIFICANT = 4;
export const ISLAND = 5;
export const MISSING = 6;
export const CODES = ["HH", "LL", "LH", "HL", "not-significant", "island", "missing"];

/** Sum with what rounding left out kept beside it (Neumaier). */
export function exactSum(values) {
  let sum = 0;
  let rest = 0;
  for (const x of values) {
    const next = sum + x;
    rest += Math.abs(sum) >= Math.abs(x) ? sum - next + x : x - next + sum;
    sum = next;
  }
  return sum + rest;
}

/** (x - mean) / population standard deviation over the values that are there. */
export function standardised(x) {
  // As numbers of eight bytes: `map` of an array of four would round to four.
  const here = Array.from(x).filter((value) => !Number.isNaN(value));
  const n = here.length;
  let scale = 0;
  for (const value of here) scale = Math.max(scale, Math.abs(value));
  scale = scale || 1;
  const mean = exactSum(here.map((value) => value / scale)) / n;
  const sd = Math.sqrt(exactSum(here.map((value) => (value / scale - mean) ** 2)) / n);
  const z = Float64Array.from(x, (value) => (value / scale - mean) / sd);
  return { n, mean: mean * scale, sd: sd * scale, z };
}

/** Lags: the mean over the neighbours that have a value, or their sum times the weight of the unit's links; 0 without any. */
export function lags(z, links) {
  const { indptr, indices, weight } = links;
  const out = new Float64Array(z.length).fill(NaN);
  for (let i = 0; i < z.length; i++) {
    if (Number.isNaN(z[i])) continue;
    out[i] = 0;
    let sum = 0;
    let many = 0;
    for (let k = indptr[i]; k < indptr[i + 1]; k++) {
      const value = z[indices[k]];
      if (!Number.isNaN(value)) {
        sum += value;
        many++;
      }
    }
    if (many) out[i] = weight ? sum * weight[i] : sum / many;
  }
  return out;
}

/** p-values adjusted by Benjamini and Hochberg; NaN stays NaN. */
export function adjusted(p) {
  const order = Array.from(p.keys()).filter((i) => !Number.isNaN(p[i]));
  order.sort((a, b) => p[a] - p[b] || a - b);
  const m = order.length;
  const out = new Float64Array(p.length).fill(NaN);
  let least = 1;
  for (let k = m - 1; k >= 0; k--) {
    least = Math.min(least, (p[order[k]] * m) / (k + 1));
    out[order[k]] = least;
  }
  return out;
}

/** Quadrants by the signs of z and of its lag; what has a value but no p-value has no neighbours. */
export function quadrantsOf(z, lag, p) {
  return Uint8Array.from(z, (value, i) => {
    if (Number.isNaN(value)) return MISSING;
    if (Number.isNaN(p[i])) return ISLAND;
    if (value > 0) return lag[i] > 0 ? HH : HL;
    return lag[i] > 0 ? LH : LL;
  });
}

/** All of variable k at time t, worked out once and kept. */
export function measure(study, k, t) {
  const variable = study.variables[k];
  variable.known ??= [];
  return (variable.known[t] ??= work(study, variable, t));
}

function work(study, variable, t) {
  const n = study.n;
  const x = variable.values.subarray(t * n, (t + 1) * n);
  const shown = variable.log ? Float64Array.from(x, Math.exp) : x;
  const problem = variable.problems[t];
  const none = new Float64Array(n).fill(NaN);
  if (problem) {
    const quadrants = new Uint8Array(n).fill(MISSING);
    return { x, shown, z: none, lag: none, p: none, fdr: none, quadrants, n: 0, tests: 0, mean: NaN, sd: NaN, problem };
  }
  const { z, ...moments } = standardised(x);
  const lag = variable.lag ? variable.lag.subarray(t * n, (t + 1) * n) : lags(z, study.links);
  const whole = 2 * (study.permutations + 1);
  const p = Float64Array.from(variable.counts.subarray(t * n, (t + 1) * n), (c) => (c === variable.missing ? NaN : c / whole));
  const quadrants = quadrantsOf(z, lag, p);
  for (const [time, unit, code] of variable.sides) if (time === t) quadrants[unit] = code;
  const tests = p.filter((value) => !Number.isNaN(value)).length;
  return { x, shown, z, lag, p, fdr: adjusted(p), quadrants, tests, ...moments, problem: "" };
}

/** The cluster of a unit at a level: its quadrant where significant. */
export function clusterOf(found, i, alpha, fdr) {
  const quadrant = found.quadrants[i];
  if (quadrant >= NOT_SIGNIFICANT) return quadrant;
  return (fdr ? found.fdr : found.p)[i] <= alpha ? quadrant : NOT_SIGNIFICANT;
}

/** The class of a value: (bounds[c - 1], bounds[c]]. */
export function classOf(value, bounds) {
  let c = 0;
  while (c < bounds.length - 1 && value > bounds[c]) c++;
  return c;
}

/** How many of the decreasing levels p is within. */
export function passed(p, levels) {
  let k = 0;
  while (k < levels.length && p <= levels[k]) k++;
  return k;
}

/** What colour each unit of the map has: a cluster, a class of values, or how many levels p is within. */
export function codesOf(study, state) {
  const found = measure(study, state.variable, state.time);
  const { bounds } = study.variables[state.variable];
  const out = new Uint8Array(study.units).fill(MISSING);
  for (let i = 0; i < study.n; i++) {
    const quadrant = found.quadrants[i];
    if (state.view === "values") {
      out[i] = Number.isNaN(found.x[i]) ? MISSING : valueCode(classOf(found.shown[i], bounds));
    } else if (quadrant >= ISLAND) {
      out[i] = quadrant;
    } else if (state.view === "p") {
      out[i] = valueCode(passed((state.fdr ? found.fdr : found.p)[i], study.pLevels));
    } else {
      out[i] = clusterOf(found, i, state.alpha, state.fdr);
    }
  }
  return out;
}

// Classes and levels have codes after those of clusters.
export const valueCode = (c) => 10 + c;

/** Least-squares slope of y on x over some units; NaN where x does not vary. */
export function slope(x, y, units) {
  let [n, mx, my, sxx, sxy] = [0, 0, 0, 0, 0];
  for (const i of units) {
    if (Number.isNaN(x[i]) || Number.isNaN(y[i])) continue;
    n++;
    const dx = x[i] - mx;
    mx += dx / n;
    my += (y[i] - my) / n;
    sxx += dx * (x[i] - mx);
    sxy += dx * (y[i] - my);
  }
  return { n, slope: n > 1 && sxx > 1e-12 ? sxy / sxx : NaN, mx, my };
}

/** Bin edges over all times of a variable, in its own unit; on a log scale for logs. */
export function binEdges(variable, most = 24) {
  if (variable.edges) return variable.edges;
  let [low, high, n] = [Infinity, -Infinity, 0];
  for (const x of variable.values) {
    if (Number.isNaN(x)) continue;
    n++;
    if (x < low) low = x;
    if (x > high) high = x;
  }
  if (low === high) [low, high] = [low - 0.5, high + 0.5];
  const bins = Math.max(5, Math.min(most, Math.ceil(Math.log2(n)) + 12));
  const step = (high - low) / bins;
  variable.edges = Float64Array.from({ length: bins + 1 }, (_, k) => (k === bins ? high : low + k * step));
  return variable.edges;
}

/** The bin of each value, -1 for those that are missing. */
export function binsOf(x, edges) {
  const low = edges[0];
  const bins = edges.length - 1;
  const step = (edges[bins] - low) / bins;
  return Int16Array.from(x, (value) => (Number.isNaN(value) ? -1 : Math.max(0, Math.min(bins - 1, Math.floor((value - low) / step)))));
}

/** The largest bar over all times, so that heights can be compared. */
export function tallestBin(study, k) {
  const variable = study.variables[k];
  if (variable.tallest) return variable.tallest;
  const edges = binEdges(variable);
  let most = 1;
  for (let t = 0; t < study.times.length; t++) {
    const heights = new Int32Array(edges.length);
    for (const bin of binsOf(variable.values.subarray(t * study.n, (t + 1) * study.n), edges)) if (bin >= 0) heights[bin]++;
    for (const height of heights) if (height > most) most = height;
  }
  return (variable.tallest = most);
}

/** The nearest unit in a direction (dx, dy), with sideways steps counted twice; -1 at the edge. */
export function nearestTowards(centres, from, dx, dy) {
  let best = Infinity;
  let found = -1;
  for (let u = 0; u < centres.length / 2; u++) {
    if (u === from) continue;
    const x = centres[2 * u] - centres[2 * from];
    const y = centres[2 * u + 1] - centres[2 * from + 1];
    const along = x * dx + y * dy;
    const aside = Math.abs(x * dy) + Math.abs(y * dx);
    if (along > 0 && along + 2 * aside < best) {
      best = along + 2 * aside;
      found = u;
    }
  }
  return found;
}
