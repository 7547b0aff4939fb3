"""Decoding: arrays, the cross-section on show, what a map may show, shapes."""

from __future__ import annotations

__all__ = ["DATA"]

DATA = r"""(async function () {
  "use strict";
  const P = JSON.parse(document.getElementById("payload").textContent),
    W = P.words;
  const $ = (id) => document.getElementById(id);
  const TYPES = {f8: Float64Array, f4: Float32Array, u1: Uint8Array, u2: Uint16Array, u4: Uint32Array};
  const A = {};
  for (const [name, [type, text]] of Object.entries(P.arrays)) {
    const raw = atob(text),
      bytes = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
    A[name] = new TYPES[type](bytes.buffer);
  }
  const N = P.ids.length,
    T = P.times.length,
    K = P.columns.length;
  const ISLAND = 4,
    MISSING = 5,
    CODES = ["HH", "LL", "LH", "HL"];
  const state = {k: 0, t: T - 1, mode: "clusters", level: P.level, fdr: false, sort: null, up: false};
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => values[key]);
  const number = new Intl.NumberFormat(P.lang, {maximumSignificantDigits: 4});
  const whole = new Intl.NumberFormat(P.lang);
  const decimals = new Intl.NumberFormat(P.lang, {minimumFractionDigits: 3, maximumFractionDigits: 3});
  const show = (x) => (Number.isFinite(x) ? number.format(x).replace("-", "−") : "–");
  const fixed = (x) => (Number.isFinite(x) ? decimals.format(x).replace("-", "−") : "–");
  const exact = (x) => (Number.isFinite(x) ? Number(x.toPrecision(7)) : NaN);
  const layer = (name, k, t) => A[name].subarray((k * T + t) * N, (k * T + t + 1) * N);

  const everyone = Array.from({length: N}, (_, i) => i);

  /* ---- the cross-section on show */
  let now = null;
  function section(k, t) {
    const value = layer("values", k, t),
      lag = layer("lag", k, t),
      quadrant = layer("quadrant", k, t);
    const mean = P.mean[k][t],
      sd = P.sd[k][t],
      z = new Float64Array(N);
    for (let i = 0; i < N; i++)
      z[i] = mean === null || quadrant[i] === MISSING ? NaN : (value[i] - mean) / sd;
    return {
      value,
      lag,
      quadrant,
      z,
      p: layer("p_sim", k, t),
      fdr: layer("p_fdr", k, t),
      passed: layer(state.fdr ? "passed_fdr" : "passed_sim", k, t),
    };
  }
  const known = (i) => Number.isFinite(now.value[i]);
  function clusterOf(i) {
    const q = now.quadrant[i];
    if (q === MISSING) return "missing";
    if (q === ISLAND) return "island";
    return now.passed[i] > state.level ? CODES[q] : "not significant";
  }
  function classOf(v) {
    if (!Number.isFinite(v)) return -1;
    const bounds = P.classes[state.k].bounds;
    let c = 0;
    while (c < bounds.length - 1 && v > bounds[c]) c++;
    return c;
  }

  /* ---- what the map shows: for each unit the key of a legend entry */
  const MODES = {
    clusters: {
      key: clusterOf,
      entries: () =>
        ["HH", "LL", "LH", "HL", "not significant", "island"].map((c) => [c, W[c], P.cluster_colors[c]]),
    },
    values: {
      key: (i) => (known(i) ? "c" + classOf(now.value[i]) : "missing"),
      entries: () =>
        P.classes[state.k].labels.map((text, c) => ["c" + c, text, P.classes[state.k].colors[c]]),
    },
    significance: {
      key: (i) =>
        now.quadrant[i] >= ISLAND
          ? now.quadrant[i] === MISSING
            ? "missing"
            : "island"
          : "s" + now.passed[i],
      entries: () => [
        ...P.levels.map((a, j) => ["s" + (j + 1), "p ≤ " + a, P.significance_colors[j]]),
        ["s0", "p > " + P.levels[0], P.cluster_colors["not significant"]],
        ["island", W.island, P.cluster_colors.island],
      ],
    },
  };

  /* ---- shapes, once */
  const shapes = {xs: [], ys: []};
  if (!P.points) {
    for (let i = 0; i < N; i++) {
      const xs = [],
        ys = [];
      for (let p = A.units[i]; p < A.units[i + 1]; p++) {
        const px = [],
          py = [];
        for (let r = A.polygons[p]; r < A.polygons[p + 1]; r++) {
          const x = [],
            y = [];
          for (let v = A.rings[r]; v < A.rings[r + 1]; v++) {
            x.push(A.coordinates[2 * v]);
            y.push(A.coordinates[2 * v + 1]);
          }
          px.push(x);
          py.push(y);
        }
        xs.push(px);
        ys.push(py);
      }
      shapes.xs.push(xs);
      shapes.ys.push(ys);
    }
  }
  const cx = Array.from({length: N}, (_, i) => A.centres[2 * i]),
    cy = Array.from({length: N}, (_, i) => A.centres[2 * i + 1]);
  const links = (i) => A.indices.subarray(A.indptr[i], A.indptr[i + 1]);
  const outlines = (chosen, which) => [].concat(...chosen.map((i) => [].concat(...shapes[which][i])));
"""
