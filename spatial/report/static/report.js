(async function () {
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

  await Bokeh.embed.embed_items(P.figures.docs, P.figures.items);
  const doc = Bokeh.documents[Bokeh.documents.length - 1];
  const model = (name) => doc.get_model_by_name(name);
  const units = model("units"),
    bars = model("bars_histogram"),
    degree = model("bars_neighbours");
  const plots = {
    map: model("map"),
    scatter: model("scatter"),
    histogram: model("histogram"),
    neighbours: model("neighbours"),
    trend: model("trend"),
  };
  const trendSource = model("trend_points"),
    span = model("now");
  const range = (r, start, end) => r.setv({start, end, reset_start: start, reset_end: end});
  const selection = () => units.selected.indices;
  let legendKeys = [],
    bins = [],
    degreeBins = [];

  /* ---- scales of a variable: the same at all times, so that times can be compared */
  let scale = null;
  const last = {};
  function rescale() {
    let low = Infinity,
      high = -Infinity;
    const X = [-1, 1],
      Y = [-1, 1],
      widen = (r, v) => {
        r[0] = Math.min(r[0], v);
        r[1] = Math.max(r[1], v);
      };
    for (let t = 0; t < T; t++) {
      const s = section(state.k, t);
      for (let i = 0; i < N; i++) {
        if (Number.isFinite(s.z[i])) {
          widen(X, s.z[i]);
          widen(Y, s.lag[i]);
        }
        if (Number.isFinite(s.value[i])) {
          low = Math.min(low, s.value[i]);
          high = Math.max(high, s.value[i]);
        }
      }
    }
    const count = Math.max(8, Math.min(28, Math.ceil(3 * Math.cbrt(N)))),
      width = (high - low) / count;
    let top = 0;
    for (let t = 0; t < T; t++)
      top = Math.max(top, ...binned(layer("values", state.k, t), {low, width, count}).map((b) => b.length));
    const padded = ([a, b], part) => [a - part * (b - a), b + part * (b - a)];
    scale = {x: padded(X, 0.05), y: padded(Y, 0.07), low, width, count, top};
    range(plots.scatter.x_range, ...scale.x);
    range(plots.scatter.y_range, ...scale.y);
    range(plots.histogram.x_range, low - width / 2, high + width / 2);
    range(plots.histogram.y_range, 0, top * 1.06);
    ticks(plots.histogram.below[0], low, high);
    const [x0, x1] = padded(X, 0.04),
      [y0, y1] = padded(Y, 0.055);
    model("corners").data = {
      x: [x1, x0, x0, x1],
      y: [y1, y0, y1, y0],
      text: ["HH", "LL", "LH", "HL"].map((c) => W[c]),
      align: ["right", "left", "left", "right"],
      base: ["top", "bottom", "top", "bottom"],
    };
    plots.histogram.below[0].axis_label = P.labels[state.k];
  }
  /* Few round numbers, written short: 200K, 20万. */
  function ticks(axis, low, high, least = 0) {
    const raw = (high - low) / 4,
      power = 10 ** Math.floor(Math.log10(raw)),
      each = Math.max(
        least,
        [1, 2, 2.5, 5, 10].find((m) => m * power >= raw * 0.999 && (!least || m !== 2.5)) * power,
      );
    const short = new Intl.NumberFormat(P.lang, {
      notation: high - low >= 1e4 || high >= 1e5 ? "compact" : "standard",
      maximumSignificantDigits: 4,
    });
    const found = [];
    for (let j = Math.ceil(low / each - 1e-9); j * each <= high + 1e-9 * each; j++) found.push(j * each);
    axis.ticker.ticks = found;
    axis.major_label_overrides = new Map(
      found.map((v) => [v, short.format(Number(v.toPrecision(12))).replace("-", "−")]),
    );
  }
  function binned(values, s) {
    const found = Array.from({length: s.count}, () => []);
    for (let i = 0; i < N; i++)
      if (Number.isFinite(values[i]))
        found[Math.min(s.count - 1, Math.floor((values[i] - s.low) / s.width))].push(i);
    return found;
  }

  /* ---- a new variable, time or rule */
  function refresh() {
    now = section(state.k, state.t);
    const mode = MODES[state.mode],
      entries = mode.entries(),
      colors = Object.fromEntries(entries.map(([c, , color]) => [c, color]));
    legendKeys = everyone.map(mode.key);
    const missing = (i) => legendKeys[i] === "missing";
    units.data = {
      ...(P.points ? {} : shapes),
      cx,
      cy,
      z: now.z,
      lag: Float64Array.from(now.lag),
      color: everyone.map((i) => (missing(i) ? P.missing_color : colors[legendKeys[i]])),
    };
    if (!P.points) {
      const gaps = everyone.filter(missing);
      model("blank").data = {xs: gaps.map((i) => shapes.xs[i]), ys: gaps.map((i) => shapes.ys[i])};
    }
    bins = binned(now.value, scale);
    legend(entries);
    drawTrend();
    $("time-shown").textContent = P.times[state.t];
    $("time").value = state.t;
    const problem = P.problems[state.k][state.t];
    $("problem").textContent = problem ? fill(W.not_measured, {reason: problem}) : "";
    $("problem").hidden = !problem;
    $("moran").textContent = problem
      ? ""
      : W.moran +
        " = " +
        fixed(P.I[state.k][state.t]) +
        ", " +
        W.p_plain +
        " = " +
        fixed(P.p[state.k][state.t]);
    brushed();
    highlight(null);
    tip(null);
  }
  function legend(entries) {
    const counts = {};
    for (const key of legendKeys) counts[key] = (counts[key] || 0) + 1;
    const shown = counts.missing ? [...entries, ["missing", W.missing, null]] : entries;
    $("legend").replaceChildren(
      ...shown
        .filter(([key]) => counts[key] || /^(HH|LL|LH|HL|c\d)$/.test(key))
        .map(([key, label, color]) => {
          const button = document.createElement("button"),
            swatch = document.createElement("i"),
            count = document.createElement("b");
          if (color) swatch.style.background = color;
          else swatch.className = "hatched";
          count.textContent = whole.format(counts[key] || 0);
          button.type = "button";
          button.dataset.key = key;
          button.append(swatch, label + " ", count);
          button.onclick = (event) =>
            choose(
              legendKeys.flatMap((k, i) => (k === key ? [i] : [])),
              event.shiftKey,
            );
          return button;
        }),
    );
    $("legend-note").textContent =
      state.mode === "values"
        ? W.classes
        : (state.fdr ? W.p_fdr : W.p) + (state.mode === "clusters" ? " ≤ " + P.levels[state.level] : "");
  }

  /* ---- brushing */
  function choose(indices, add) {
    units.selected.indices = add
      ? [...new Set([...selection(), ...indices])].sort((a, b) => a - b)
      : indices;
  }
  let quiet = false;
  function brush(source, members) {
    source.selected.properties.indices.change.connect(() => {
      if (quiet) return;
      quiet = true;
      choose(
        [...new Set(source.selected.indices.flatMap((b) => members()[b] || []))].sort((a, b) => a - b),
      );
      const other = source === bars ? degree : bars;
      if (other.selected.indices.length) other.selected.indices = [];
      quiet = false;
    });
  }
  brush(bars, () => bins);
  brush(degree, () => degreeBins);
  let waiting = false;
  units.selected.properties.indices.change.connect(() => {
    if (!quiet) {
      quiet = true;
      for (const source of [bars, degree]) if (source.selected.indices.length) source.selected.indices = [];
      quiet = false;
    }
    if (!waiting) {
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        brushed();
      });
    }
  });
  function line(indices) {
    let n = 0,
      sx = 0,
      sy = 0,
      xx = 0,
      xy = 0;
    for (const i of indices)
      if (Number.isFinite(now.z[i]) && Number.isFinite(now.lag[i])) {
        n++;
        sx += now.z[i];
        sy += now.lag[i];
      }
    const mx = sx / n,
      my = sy / n;
    for (const i of indices)
      if (Number.isFinite(now.z[i]) && Number.isFinite(now.lag[i])) {
        xx += (now.z[i] - mx) ** 2;
        xy += (now.z[i] - mx) * (now.lag[i] - my);
      }
    const slope = n > 1 && xx > 1e-12 ? xy / xx : NaN;
    return {n, slope, at: (x) => my + slope * (x - mx)};
  }
  function drawLine(name, found) {
    const ok = Number.isFinite(found.slope),
      x = scale.x;
    if (ok || model(name).data.x.length) model(name).data = ok ? {x, y: x.map(found.at)} : {x: [], y: []};
  }
  function slope(id, word, found) {
    $(id).hidden = !found;
    if (found) $(id).textContent = word + " " + fixed(found.slope) + " (n = " + whole.format(found.n) + ")";
  }
  function brushed() {
    const chosen = selection(),
      inside = new Uint8Array(N);
    for (const i of chosen) inside[i] = 1;
    const some = chosen.length > 0,
      all = line(everyone);
    const picked = some ? line(chosen) : null,
      rest = some ? line(everyone.filter((i) => !inside[i])) : null;
    drawLine("line_all", all);
    drawLine("line_selected", picked || {slope: NaN});
    drawLine("line_rest", rest || {slope: NaN});
    slope("slope-all", W.all, all);
    slope("slope-selected", W.selected, picked);
    slope("slope-rest", W.rest, rest);
    const bar = (groups, left, right, label, color) => ({
      left,
      right,
      top: groups.map((g) => g.length),
      chosen: groups.map((g) => g.filter((i) => inside[i]).length),
      color: groups.map(() => (some ? "#d5dce1" : color)),
      text: groups.map(
        (g, b) =>
          label(b) +
          ": " +
          whole.format(g.length) +
          (some ? " (" + W.selected + " " + whole.format(g.filter((i) => inside[i]).length) + ")" : ""),
      ),
    });
    const edges = bins.map((_, b) => scale.low + b * scale.width);
    bars.data = bar(
      bins,
      edges,
      edges.map((e) => e + scale.width),
      (b) => show(edges[b]) + " – " + show(edges[b] + scale.width),
      "#7f99a8",
    );
    table(some ? chosen : everyone, some);
    $("count").textContent = some
      ? fill(W.all_selected, {n: whole.format(chosen.length), total: whole.format(N)})
      : W.none_selected;
    $("clear").disabled = !some;
    // A figure is painted anew by the millisecond: only where something changed.
    const wanted = chosen.join();
    if (last.degree === wanted) return;
    last.degree = wanted;
    degree.data = bar(
      degreeBins,
      degreeEdges.map((e) => e[0]),
      degreeEdges.map((e) => e[1]),
      (b) => degreeLabels[b],
      "#7f99a8",
    );
  }

  /* ---- the neighbours */
  const most = A.neighbours.reduce((a, b) => Math.max(a, b)),
    step = most <= 30 ? 1 : Math.ceil((most + 1) / 24);
  const least = step === 1 ? A.neighbours.reduce((a, b) => Math.min(a, b)) : 0,
    number_of_bins = Math.floor((most - least) / step) + 1;
  const degreeEdges = Array.from({length: number_of_bins}, (_, b) => [
    least + b * step - 0.5,
    least + (b + 1) * step - 0.5,
  ]);
  const degreeLabels = degreeEdges.map(([a, b]) =>
    step === 1 ? whole.format(a + 0.5) : whole.format(a + 0.5) + " – " + whole.format(b - 0.5),
  );
  degreeBins = degreeEdges.map(() => []);
  for (let i = 0; i < N; i++) degreeBins[Math.floor((A.neighbours[i] - least) / step)].push(i);
  range(plots.neighbours.x_range, degreeEdges[0][0] - 0.3, degreeEdges[number_of_bins - 1][1] + 0.3);
  ticks(plots.neighbours.below[0], degreeEdges[0][0] + 0.5, degreeEdges[number_of_bins - 1][1] - 0.5, 1);
  range(plots.neighbours.y_range, 0, Math.max(...degreeBins.map((b) => b.length)) * 1.06);
  let shown = null;
  function highlight(i) {
    if (i === shown && i !== null) return;
    if (i === null && shown === null) return;
    shown = i;
    const near = i === null ? [] : Array.from(links(i)),
      self = i === null ? [] : [i];
    const at = (values) => near.map((j) => values[j]);
    model("links").data = {x0: near.map(() => cx[i]), y0: near.map(() => cy[i]), x1: at(cx), y1: at(cy)};
    if (!P.points) {
      model("rings").data = {xs: outlines(near, "xs"), ys: outlines(near, "ys")};
      model("focus").data = {xs: outlines(self, "xs"), ys: outlines(self, "ys")};
    }
    const drawn = (list) => list.filter((j) => Number.isFinite(now.z[j]) && Number.isFinite(now.lag[j]));
    model("around").data = {x: drawn(near).map((j) => now.z[j]), y: drawn(near).map((j) => now.lag[j])};
    model("centre").data = {x: drawn(self).map((j) => now.z[j]), y: drawn(self).map((j) => now.lag[j])};
  }
  units.inspect.connect(() => {
    const hit = units.inspected.indices.length ? units.inspected.indices[0] : null;
    highlight(hit);
    tip(hit);
  });

  /* ---- Moran's I through time */
  function drawTrend() {
    if (T < 2) return;
    span.location = state.t;
    if (last.trend === state.k + "," + state.level) return;
    last.trend = state.k + "," + state.level;
    const I = P.I[state.k],
      p = P.p[state.k],
      level = P.levels[state.level];
    trendSource.data = {
      x: I.map((_, t) => t),
      I: I.map((v) => (v === null ? NaN : v)),
      fill: p.map((v) => (v !== null && v <= level ? "#56707f" : "#ffffff")),
      text: I.map(
        (v, t) =>
          P.times[t] +
          ": " +
          (v === null ? W.missing : W.moran + " " + fixed(v) + ", " + W.p_plain + " " + fixed(p[t])),
      ),
    };
    const found = I.filter((v) => v !== null),
      low = Math.min(0, ...found),
      high = Math.max(0, ...found),
      pad = (high - low || 1) * 0.12;
    range(plots.trend.y_range, low - pad, high + pad);
    $("trend-help").textContent = fill(W.trend_help, {alpha: level});
  }
  if (T > 1) {
    range(plots.trend.x_range, -0.5, T - 0.5);
    const every = Math.ceil(T / 10),
      places = P.times.map((_, t) => t).filter((t) => t % every === 0);
    plots.trend.below[0].ticker.ticks = places;
    plots.trend.below[0].major_label_overrides = new Map(places.map((t) => [t, P.times[t]]));
    trendSource.selected.properties.indices.change.connect(() => {
      const hit = trendSource.selected.indices;
      if (!hit.length) return;
      trendSource.selected.indices = [];
      go(hit[0]);
    });
  }

  /* ---- the table and its CSV */
  const fields = [
    ["name", W.name, (i) => P.names[i]],
    ["id", W.id, (i) => P.ids[i]],
    ["value", null, (i) => now.value[i], show],
    ["z", "z", (i) => now.z[i], fixed],
    ["lag", W.lag, (i) => now.lag[i], fixed],
    ["cluster", W.cluster, (i) => W[clusterOf(i)]],
    ["p_sim", W.p, (i) => now.p[i], fixed],
    ["p_fdr", W.p_fdr, (i) => now.fdr[i], fixed],
    ["neighbours", W.neighbours, (i) => A.neighbours[i], whole.format],
  ];
  function compare(a, b) {
    if (typeof a === "string") return a.localeCompare(b, P.lang);
    if (!Number.isFinite(a)) return Number.isFinite(b) ? 1 : 0;
    return Number.isFinite(b) ? a - b : -1;
  }
  function table(rows, some) {
    const field = fields.find(([name]) => name === state.sort),
      order = [...rows];
    if (field)
      order.sort((a, b) => {
        const x = field[2](a),
          y = field[2](b),
          gap = typeof x === "number" && (!Number.isFinite(x) || !Number.isFinite(y));
        return (state.up || gap ? 1 : -1) * compare(x, y) || a - b;
      });
    const head = document.createElement("tr");
    for (const [name, word, , write] of fields) {
      const cell = document.createElement("th"),
        button = document.createElement("button");
      button.type = "button";
      button.textContent =
        (word === null ? P.labels[state.k] : word) + (state.sort === name ? (state.up ? " ↑" : " ↓") : "");
      button.onclick = () => {
        state.up = state.sort === name ? !state.up : !write;
        state.sort = name;
        brushed();
      };
      if (write) cell.className = "number";
      cell.append(button);
      head.append(cell);
    }
    const limit = 100,
      body = order.slice(0, limit).map((i) => {
        const row = document.createElement("tr");
        for (const [, , get, write] of fields) {
          const cell = row.insertCell();
          cell.textContent = write ? write(get(i)) : get(i);
          if (write) cell.className = "number";
        }
        row.onmouseenter = () => highlight(i);
        row.onmouseleave = () => highlight(null);
        return row;
      });
    $("rows-head").replaceChildren(head);
    $("rows").replaceChildren(...body);
    $("rows-note").textContent = [
      ...(some ? [] : [W.none_selected]),
      ...(rows.length > limit ? [fill(W.first_rows, {n: limit})] : []),
    ].join(" · ");
  }
  /* Text that a spreadsheet would run as a formula stays text: an apostrophe goes before it. */
  const guard = (text) =>
    /^[\s\u0000-\u001f]*[=+\-@]/.test(text) || /^[\t\r\n]/.test(text) ? "'" + text : text;
  const quoted = (text) => (/[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text);
  const word = (text) => quoted(guard(String(text)));
  const digits = (x) => (Number.isFinite(x) ? String(x) : "");
  function csv() {
    const chosen = selection(),
      rows = chosen.length ? chosen : P.ids.map((_, i) => i);
    const head = [
      "id",
      "name",
      P.time_name,
      P.columns[state.k],
      "z",
      "lag",
      "quadrant",
      "cluster",
      "p_sim",
      "p_fdr",
      "neighbours",
    ].map(word);
    const lines = rows.map((i) =>
      [
        P.ids_are_text ? word(P.ids[i]) : P.ids[i],
        word(P.names[i]),
        word(P.times[state.t]),
        digits(now.value[i]),
        digits(exact(now.z[i])),
        digits(exact(now.lag[i])),
        CODES[now.quadrant[i]] || "",
        now.quadrant[i] === MISSING ? "" : clusterOf(i),
        digits(exact(now.p[i])),
        digits(exact(now.fdr[i])),
        digits(A.neighbours[i]),
      ].join(","),
    );
    return "\ufeff" + [head.join(","), ...lines].join("\r\n") + "\r\n";
  }
  function download() {
    const link = document.createElement("a"),
      address = URL.createObjectURL(new Blob([csv()], {type: "text/csv;charset=utf-8"}));
    link.href = address;
    link.download =
      (P.columns[state.k] + "_" + P.times[state.t]).replace(/[^\p{L}\p{N}_-]+/gu, "_") + ".csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  }

  /* ---- the words beside the pointer: made here, as old Bokeh reads a column's text as HTML */
  let pointer = [0, 0];
  document.addEventListener("mousemove", (event) => {
    pointer = [event.clientX, event.clientY];
  });
  const facts = (i) => [
    [P.labels[state.k], known(i) ? show(now.value[i]) : W.missing],
    [W.z, fixed(now.z[i])],
    [W.lag_z, fixed(now.lag[i])],
    [W.cluster, W[clusterOf(i)]],
    [W.p, fixed(now.p[i])],
    [W.p_fdr, fixed(now.fdr[i])],
    [W.neighbours, whole.format(A.neighbours[i])],
  ];
  function tip(i) {
    const box = $("tip");
    box.hidden = i === null;
    if (i === null) return;
    $("tip-name").textContent = P.names[i];
    $("tip-id").textContent = P.ids[i] === P.names[i] ? "" : P.ids[i];
    $("tip-facts").replaceChildren(
      ...facts(i).flatMap((pair) =>
        pair.map((text) => {
          const cell = document.createElement("span");
          cell.textContent = text;
          return cell;
        }),
      ),
    );
    const {width, height} = box.getBoundingClientRect(),
      [x, y] = pointer;
    box.style.left = (x + 45 + width > innerWidth ? Math.max(4, x - 45 - width) : x + 45) + "px";
    box.style.top = Math.max(4, Math.min(innerHeight - height - 4, y - height / 2)) + "px";
  }

  /* ---- the controls */
  function go(t) {
    state.t = t;
    refresh();
  }
  let playing = null;
  function play(on) {
    clearInterval(playing);
    playing = on ? setInterval(() => go((state.t + 1) % T), 800) : null;
    $("play").textContent = on ? "❚❚" : "▶";
    $("play").title = on ? W.pause : W.play;
  }
  $("variable").replaceChildren(...P.labels.map((label, k) => new Option(label, k)));
  $("variable").onchange = (event) => {
    state.k = Number(event.target.value);
    rescale();
    refresh();
  };
  $("time").max = T - 1;
  $("time").oninput = (event) => {
    play(false);
    go(Number(event.target.value));
  };
  $("play").onclick = () => play(playing === null);
  $("time-box").hidden = T < 2;
  $("trend-card").hidden = T < 2;
  const radios = (box, name, options, chosen, pick) =>
    $(box).append(
      ...options.map(([value, label]) => {
        const outer = document.createElement("label"),
          input = document.createElement("input"),
          text = document.createElement("span");
        Object.assign(input, {type: "radio", name, value, checked: value === chosen});
        input.onchange = () => {
          pick(value);
          refresh();
        };
        text.textContent = label;
        outer.append(input, text);
        return outer;
      }),
    );
  radios(
    "modes",
    "mode",
    [
      ["clusters", W.clusters],
      ["values", W.values],
      ["significance", W.significance],
    ],
    "clusters",
    (v) => {
      state.mode = v;
    },
  );
  radios(
    "levels",
    "level",
    P.levels.map((a, j) => [j, String(a)]),
    state.level,
    (v) => {
      state.level = v;
    },
  );
  $("fdr").onchange = (event) => {
    state.fdr = event.target.checked;
    refresh();
  };
  $("clear").onclick = () => choose([]);
  $("download").onclick = download;
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") choose([]);
  });

  /* ---- the map keeps its shape whatever the window; a wide country leaves its room to the trend */
  const frame = $("figure-map");
  const room = () => {
    if (T > 1)
      frame.style.height =
        Math.round(
          Math.max(280, Math.min(440, ((frame.clientWidth * P.extent[1]) / P.extent[0]) * 1.04 + 8)),
        ) + "px";
  };
  room();
  window.addEventListener("resize", room);
  function fit() {
    const wide = plots.map.inner_width,
      high = plots.map.inner_height;
    if (!(wide > 1 && high > 1)) return;
    const each = 1.04 * Math.max(P.extent[0] / wide, P.extent[1] / high);
    const [x, y] = [P.extent[0] / 2, P.extent[1] / 2];
    range(plots.map.x_range, x - (each * wide) / 2, x + (each * wide) / 2);
    range(plots.map.y_range, y - (each * high) / 2, y + (each * high) / 2);
  }
  for (const side of ["inner_width", "inner_height"]) plots.map.properties[side].change.connect(fit);
  rescale();
  refresh();
  fit();
  // For whoever drives the page from its console, as the tests do.
  window.report = {state, csv, facts, units, bars, degree, plots, choose, model};
  document.body.dataset.ready = "yes";
})();
