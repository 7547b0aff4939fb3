// Moran scatter plot and histogram, each on two canvases: marks, and what is pointed at.

import { clear, drawBand, fitStage, fontOf, isCluster, isMeasured, makeBrush } from "./canvas.js";
import { HH, HL, LH, LL, binEdges, binsOf, clusterOf, measure, slope, tallestBin } from "./statistics.js";
import { farthest, place, roughWidth, write } from "./labels.js";
import { count, fixed, logTicks, tick, ticks } from "./numbers.js";
import { say } from "./words.js";

const FAR = 8; // standard deviations from which a value is drawn at the edge

function axes(context, colours) {
  context.font = fontOf(colours, 11.5);
  context.fillStyle = colours["ink-2"];
  context.lineWidth = 1;
}

export class Scatter {
  constructor(stage, app) {
    Object.assign(this, { stage, app, brushed: null, places: new Float32Array(0) });
    makeBrush(stage, this, app);
  }

  /** `taller`: pixels by which the column beside is longer than this one. */
  resize(taller = 0) {
    const width = this.stage.clientWidth;
    const wanted = taller ? this.base.h + taller : Math.min(430, width * 0.86);
    const height = Math.round(Math.max(240, Math.min(width * 1.12, Math.max(width * 0.74, wanted))));
    [this.base, this.top] = fitStage(this.stage, height);
    this.frame = { left: 46, top: 8, width: width - 54, height: height - 52 };
  }

  /** One scale for both axes; the wider of the two directions decides, the other gets what is left. */
  fit(found) {
    let [x0, x1, y0, y1] = [-1, 1, -1, 1];
    found.z.forEach((z, i) => {
      if (!isMeasured(found.quadrants[i])) return;
      x0 = Math.min(x0, z);
      x1 = Math.max(x1, z);
      y0 = Math.min(y0, found.lag[i]);
      y1 = Math.max(y1, found.lag[i]);
    });
    [x0, x1, y0, y1] = [x0, x1, y0, y1].map((value, k) => (k % 2 ? Math.min(FAR, Math.ceil(value + 0.1)) : Math.max(-FAR, Math.floor(value - 0.1))));
    const { left, top, width, height } = this.frame;
    this.unit = Math.min(width / (x1 - x0), height / (y1 - y0));
    const [mx, my] = [(x0 + x1) / 2, (y0 + y1) / 2];
    this.x = (z) => left + width / 2 + (z - mx) * this.unit;
    this.y = (lag) => top + height / 2 - (lag - my) * this.unit;
    this.limits = [mx - width / 2 / this.unit, mx + width / 2 / this.unit, my - height / 2 / this.unit, my + height / 2 / this.unit];
  }

  step() {
    const { app, base } = this;
    const found = measure(app.study, app.state.variable, app.state.time);
    this.found = found;
    this.fit(found);
    clear(base);
    this.drawAxes();
    this.beyond = 0;
    this.drawDots(found);
    this.drawLines(found);
    this.drawNames(found, this.drawCorners(found));
    this.drawTop();
  }

  drawAxes() {
    const { base, frame, app } = this;
    const { colours } = app;
    const [x0, x1, y0, y1] = this.limits;
    axes(base, colours);
    const bottom = frame.top + frame.height;
    const right = frame.left + frame.width;
    base.textAlign = "center";
    base.textBaseline = "top";
    for (const z of ticks(x0, x1, 6)) {
      this.line(z === 0 ? colours.rule : colours.grid, this.x(z), frame.top, this.x(z), bottom);
      base.fillText(tick(z), this.x(z), bottom + 5);
    }
    base.textAlign = "right";
    base.textBaseline = "middle";
    for (const lag of ticks(y0, y1, 6)) {
      this.line(lag === 0 ? colours.rule : colours.grid, frame.left, this.y(lag), right, this.y(lag));
      base.fillText(tick(lag), frame.left - 6, this.y(lag));
    }
    base.textBaseline = "top";
    base.fillText(`${say("axis_z")} →`, right, bottom + 21);
    base.save();
    base.translate(4, frame.top);
    base.rotate(-Math.PI / 2);
    base.textBaseline = "top";
    base.fillText(`${say("axis_lag")} →`, 0, 0);
    base.restore();
  }

  line(colour, x0, y0, x1, y1, width = 1, dash = []) {
    const { base } = this;
    base.strokeStyle = colour;
    base.lineWidth = width;
    base.setLineDash(dash);
    base.beginPath();
    base.moveTo(x0, y0);
    base.lineTo(x1, y1);
    base.stroke();
    base.setLineDash([]);
  }

  /** Dots by colour, those without significance first; far values as triangles at the edge. */
  drawDots(found) {
    const { app, base, frame } = this;
    const { alpha, fdr, selected } = app.state;
    const n = app.study.n;
    const [x0, x1, y0, y1] = this.limits;
    const radius = n > 1000 ? 2.2 : 3.2;
    const groups = new Map();
    this.places = new Float32Array(2 * n).fill(-99);
    for (let i = 0; i < n; i++) {
      if (!isMeasured(found.quadrants[i])) continue;
      const code = clusterOf(found, i, alpha, fdr);
      const faded = selected.size > 0 && !selected.has(i);
      const key = (faded ? 0 : 20) + (isCluster(code) ? code + 1 : 0);
      if (!groups.has(key)) groups.set(key, { code, faded, path: new Path2D() });
      const [z, lag] = [Math.max(x0, Math.min(x1, found.z[i])), Math.max(y0, Math.min(y1, found.lag[i]))];
      const [x, y] = [this.x(z), this.y(lag)];
      this.places.set([x, y], 2 * i);
      mark(groups.get(key).path, x, y, radius, z !== found.z[i] || lag !== found.lag[i], code === LH || code === HL);
      if (z !== found.z[i] || lag !== found.lag[i]) this.beyond++;
    }
    base.save();
    base.beginPath();
    base.rect(frame.left - 5, frame.top - 5, frame.width + 10, frame.height + 10);
    base.clip();
    for (const key of [...groups.keys()].sort((a, b) => a - b)) {
      const { code, faded, path } = groups.get(key);
      base.globalAlpha = faded ? 0.28 : isCluster(code) ? 1 : 0.75;
      base.fillStyle = isCluster(code) ? app.colours.codes[code] : app.colours.dot;
      base.fill(path);
    }
    base.restore();
  }

  drawLines(found) {
    const { app } = this;
    const every = Array.from(found.z.keys()).filter((i) => isMeasured(found.quadrants[i]));
    this.fits = { all: slope(found.z, found.lag, every) };
    this.drawSlope(this.fits.all, app.colours.ink, []);
    if (!app.state.selected.size) return;
    this.fits.selected = slope(found.z, found.lag, every.filter((i) => app.state.selected.has(i)));
    this.fits.rest = slope(found.z, found.lag, every.filter((i) => !app.state.selected.has(i)));
    this.drawSlope(this.fits.selected, app.colours.c2, [6, 4]);
  }

  /** A fitted line passes through the means. */
  drawSlope({ slope: b, mx, my }, colour, dash) {
    if (Number.isNaN(b)) return;
    const { base, frame } = this;
    const [x0, x1] = this.limits;
    base.save();
    base.beginPath();
    base.rect(frame.left, frame.top, frame.width, frame.height);
    base.clip();
    this.line(colour, this.x(x0), this.y(my + b * (x0 - mx)), this.x(x1), this.y(my + b * (x1 - mx)), 1.6, dash);
    base.restore();
  }

  drawCorners(found) {
    const { base, frame, app } = this;
    const many = new Int32Array(7);
    for (const code of found.quadrants) many[code]++;
    base.font = fontOf(app.colours, 11.5);
    const boxes = [];
    const put = (code, right, low) => {
      const text = `${say(["HH", "LL", "LH", "HL"][code])} ${count(many[code])}`;
      base.textBaseline = low ? "bottom" : "top";
      const [x, y] = [frame.left + (right ? frame.width - 4 : 4), frame.top + (low ? frame.height - 3 : 3)];
      write(base, app.colours, "ink-2", text, x, y, right ? "right" : "left");
      const wide = roughWidth(text, 12) + 4;
      boxes.push([right ? x - wide : x, low ? y - 14 : y, right ? x : x + wide, low ? y : y + 14]);
    };
    put(HH, true, false);
    put(LH, false, false);
    put(LL, false, true);
    put(HL, true, true);
    return boxes;
  }

  /** Names of what is selected, or else of the significant units farthest out. */
  drawNames(found, taken) {
    const { app, base, frame, places } = this;
    const { alpha, fdr, selected } = app.state;
    const seen = (i) => i < app.study.n && isMeasured(found.quadrants[i]);
    const every = selected.size ? [...selected].filter(seen) : Array.from(found.z.keys()).filter((i) => seen(i) && isCluster(clusterOf(found, i, alpha, fdr)));
    const dots = farthest(found, every, app.study.n > 1000 ? 2 : 4).map((i) => ({ x: places[2 * i], y: places[2 * i + 1], text: app.name(i) }));
    const dotted = (x, y) => [x - 4, y - 4, x + 4, y + 4];
    const marks = Array.from({ length: app.study.n }, (_, i) => dotted(places[2 * i], places[2 * i + 1]));
    this.named = place(dots, frame, [...taken, ...dots.map(({ x, y }) => dotted(x, y))], 11, marks);
    base.font = fontOf(app.colours, 11);
    base.textBaseline = "middle";
    for (const { left, middle, text } of this.named) write(base, app.colours, "ink", text, left, middle);
  }

  drawTop() {
    const { top, app } = this;
    clear(top);
    const u = app.state.hover;
    if (u >= 0 && u < app.study.n && this.places[2 * u] > 0) {
      const { indptr, indices } = app.study.links;
      ring(top, this.places, u, 6, app.colours.accent, 2.2);
      for (const j of indices.subarray(indptr[u], indptr[u + 1])) ring(top, this.places, j, 4.5, app.colours.ink, 1);
    }
    if (this.brushed) drawBand(top, app.colours, this.brushed);
  }

  choose() {
    this.step();
  }

  band(box) {
    this.brushed = box;
    this.drawTop();
  }

  inside(x0, y0, x1, y1) {
    const found = [];
    for (let i = 0; i < this.places.length / 2; i++) {
      const [x, y] = [this.places[2 * i], this.places[2 * i + 1]];
      if (x >= x0 && x <= x1 && y >= y0 && y <= y1 && x > 0) found.push(i);
    }
    return found;
  }

  under(x, y) {
    let best = 81;
    let found = -1;
    for (let i = 0; i < this.places.length / 2; i++) {
      const away = (this.places[2 * i] - x) ** 2 + (this.places[2 * i + 1] - y) ** 2;
      if (away < best) [best, found] = [away, i];
    }
    return found;
  }

  /** The title's second line. */
  caption() {
    const { study, state } = this.app;
    const variable = study.variables[state.variable];
    const problem = variable.problems[state.time];
    if (problem) return say("not_measured", { reason: problem });
    const name = study.links.standard ? "I" : say("moran");
    const p = this.app.p(variable.p[state.time]);
    const far = this.beyond ? `; ${say("beyond", { n: this.beyond, sd: FAR })}` : "";
    return `${name} = ${fixed(variable.I[state.time])}, p = ${p}${far}`;
  }

  /** Slopes of all and of those selected, in words. */
  slopes() {
    const part = (key) => {
      const { slope: b, n } = this.fits[key];
      return say(`slope_${key}`, { slope: fixed(b), n: count(n) });
    };
    if (this.app.state.selected.size) return ["all", "selected", "rest"].map(part);
    // The slope is Moran's I where rows sum to one and all units have neighbours: then it is said above.
    const same = Math.abs(this.fits.all.slope - this.app.variable.I[this.app.state.time]) < 5e-4;
    return same || Number.isNaN(this.fits.all.slope) ? [] : [part("all")];
  }
}

function mark(path, x, y, r, far, diamond) {
  if (far) {
    path.moveTo(x, y - r - 1);
    path.lineTo(x + r + 1, y + r);
    path.lineTo(x - r - 1, y + r);
    path.closePath();
  } else if (diamond) {
    path.moveTo(x, y - r - 1);
    path.lineTo(x + r + 1, y);
    path.lineTo(x, y + r + 1);
    path.lineTo(x - r - 1, y);
    path.closePath();
  } else {
    path.moveTo(x + r, y);
    path.arc(x, y, r, 0, 7);
  }
}

function ring(context, places, i, radius, colour, width) {
  if (places[2 * i] < 0) return;
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.beginPath();
  context.arc(places[2 * i], places[2 * i + 1], radius, 0, 7);
  context.stroke();
}

export class Histogram {
  constructor(stage, app) {
    Object.assign(this, { stage, app, brushed: null });
    makeBrush(stage, this, app);
  }

  resize() {
    const width = this.stage.clientWidth;
    [this.base, this.top] = fitStage(this.stage, 190);
    this.frame = { left: 46, top: 8, width: width - 60, height: 190 - 36 };
  }

  step() {
    const { app, base, frame } = this;
    const { study, state } = app;
    const variable = study.variables[state.variable];
    const found = measure(study, state.variable, state.time);
    const edges = binEdges(variable);
    const most = tallestBin(study, state.variable);
    this.bins = binsOf(found.x, edges);
    const heights = new Int32Array(edges.length - 1);
    const chosen = new Int32Array(edges.length - 1);
    this.bins.forEach((bin, i) => {
      if (bin < 0) return;
      heights[bin]++;
      if (state.selected.has(i)) chosen[bin]++;
    });
    const last = edges.length - 1;
    this.x = (value) => frame.left + ((value - edges[0]) / (edges[last] - edges[0])) * frame.width;
    const y = (n) => frame.top + frame.height * (1 - n / most);
    clear(base);
    axes(base, app.colours);
    base.textAlign = "right";
    base.textBaseline = "middle";
    for (const n of ticks(0, most, 3)) {
      base.strokeStyle = n === 0 ? app.colours.ink : app.colours.grid;
      base.beginPath();
      base.moveTo(frame.left, y(n));
      base.lineTo(frame.left + frame.width, y(n));
      base.stroke();
      base.fillText(tick(n), frame.left - 6, y(n));
    }
    this.drawTicks(variable, edges[0], edges[last]);
    const bars = (counts, alpha) => {
      base.globalAlpha = alpha;
      base.fillStyle = app.colours.mark;
      counts.forEach((n, k) => {
        const [x0, x1] = [this.x(edges[k]), this.x(edges[k + 1])];
        if (n) base.fillRect(x0 + 0.5, y(n), Math.max(1, x1 - x0 - 1), y(0) - y(n));
      });
      base.globalAlpha = 1;
    };
    bars(heights, state.selected.size ? 0.28 : 1);
    if (state.selected.size) bars(chosen, 1);
    if (found.problem && !this.bins.some((bin) => bin >= 0)) {
      base.textAlign = "center";
      base.fillText(say("missing_all"), frame.left + frame.width / 2, frame.top + frame.height / 2);
    }
    this.drawTop();
  }

  drawTicks(variable, low, high) {
    const { base, frame } = this;
    base.textAlign = "center";
    base.textBaseline = "top";
    const wanted = Math.max(3, Math.floor(frame.width / 62));
    const at = variable.log ? logTicks(Math.exp(low), Math.exp(high), wanted) : ticks(low, high, wanted);
    for (const value of at) {
      const x = this.x(variable.log ? Math.log(value) : value);
      const text = tick(value);
      const half = base.measureText(text).width / 2;
      base.fillText(text, Math.min(x, base.w - half - 1), frame.top + frame.height + 6);
    }
  }

  drawTop() {
    clear(this.top);
    if (!this.brushed) return;
    const [x0, , x1] = this.brushed;
    drawBand(this.top, this.app.colours, [x0, this.frame.top, x1, this.frame.top + this.frame.height]);
  }

  choose() {
    this.step();
  }

  band(box) {
    this.brushed = box;
    this.drawTop();
  }

  /** All units of the bars that the brush touches. */
  inside(x0, _y0, x1) {
    const edges = binEdges(this.app.variable);
    const touched = Array.from({ length: edges.length - 1 }, (_, k) => this.x(edges[k + 1]) >= x0 && this.x(edges[k]) <= x1);
    return Array.from(this.bins.keys()).filter((i) => this.bins[i] >= 0 && touched[this.bins[i]]);
  }

  bar(x) {
    return this.inside(x, 0, x);
  }

  under() {
    return -1;
  }
}
