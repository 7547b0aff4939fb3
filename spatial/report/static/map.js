// The map on three canvases: fills, of which a step paints only those that change; lines; and what is chosen.

import { clear, drawBand, fillOf, fitStage, fontOf, hatchOf, makeBrush, pixelRatio } from "./canvas.js";
import { MISSING, codesOf, measure } from "./statistics.js";
import { significant, ticks } from "./numbers.js";
import { either } from "./words.js";

const PAD = 3;
const TINY = 2; // px: smaller units are drawn as a square
const SQUARE = 4;
const DOT = 4.5;

function ringsPath(rings, scale, dx, dy, path = new Path2D()) {
  for (const ring of rings) {
    path.moveTo(ring[0] * scale + dx, ring[1] * scale + dy);
    for (let k = 2; k < ring.length; k += 2) path.lineTo(ring[k] * scale + dx, ring[k + 1] * scale + dy);
    path.closePath();
  }
  return path;
}

function linesPath(lines, scale, dx, dy) {
  const path = new Path2D();
  for (const line of lines) {
    path.moveTo(line[0] * scale + dx, line[1] * scale + dy);
    for (let k = 2; k < line.length; k += 2) path.lineTo(line[k] * scale + dx, line[k + 1] * scale + dy);
  }
  return path;
}

/** Draw the borders of a map, each once and by its kind, and the frames of far parts. */
function drawBorders(context, map, colours, scale, dx, dy, units) {
  const size = Math.sqrt((map.width * scale * map.height * scale) / units);
  const edge = Math.max(0.25, Math.min(0.8, size / 30));
  const kinds = [
    [colours.edge, edge],
    [colours.group, Math.max(0.5, edge)],
    [colours.coast, Math.max(0.6, edge)],
  ];
  context.lineJoin = context.lineCap = "round";
  map.borders.forEach((lines, kind) => {
    [context.strokeStyle, context.lineWidth] = kinds[kind];
    context.stroke(linesPath(lines, scale, dx, dy));
  });
  context.strokeStyle = colours.rule;
  context.lineWidth = 1;
  for (const { box, closed } of map.frames) {
    const [x0, y0, x1, y1] = box.map((value, k) => value * scale + (k % 2 ? dy : dx));
    context.beginPath();
    if (closed) context.rect(x0, y0, x1 - x0, y1 - y0);
    else {
      context.moveTo(x0, y0);
      context.lineTo(x1, y0);
      context.lineTo(x1, y1);
    }
    context.stroke();
  }
}

export class MapView {
  constructor(stage, app) {
    Object.assign(this, { stage, app, codes: null, brushed: null });
    this.chosen = document.createElement("canvas");
    makeBrush(stage, this, app);
  }

  get map() {
    return this.app.study.map;
  }

  /** Paths for the width at hand; lines are drawn here and nowhere else. */
  resize() {
    const { stage, map, app } = this;
    const width = stage.clientWidth;
    const room = Math.max(240, Math.min(620, window.innerHeight * 0.66));
    if (map) {
      this.scale = Math.min((width - 2 * PAD) / map.width, (room - 2 * PAD) / map.height);
      const height = Math.ceil(map.height * this.scale + 2 * PAD);
      [this.fills, this.lines, this.top] = fitStage(stage, height);
      this.dx = (width - map.width * this.scale) / 2;
      this.dy = PAD;
      this.pattern = hatchOf(this.fills, app.colours);
      this.placeUnits();
      if (!map.points) drawBorders(this.lines, map, app.colours, this.scale, this.dx, this.dy, app.study.units);
      this.nameFrames();
    } else {
      [this.fills, this.lines, this.top] = fitStage(stage, Math.min(360, room));
      this.pattern = hatchOf(this.fills, app.colours);
    }
    this.codes = null;
  }

  placeUnits() {
    const { map, scale, dx, dy } = this;
    this.at = Float32Array.from(map.centres, (value, k) => value * scale + (k % 2 ? dy : dx));
    this.box = Float32Array.from(map.boxes, (value, k) => value * scale + (k % 2 ? dy : dx));
    this.paths = map.shapes.map((rings, u) => this.pathOf(rings, u));
  }

  pathOf(rings, u) {
    const [x, y] = [this.at[2 * u], this.at[2 * u + 1]];
    const path = new Path2D();
    if (!rings.length) {
      path.arc(x, y, DOT, 0, 7);
      this.box.set([x - DOT, y - DOT, x + DOT, y + DOT], 4 * u);
      return path;
    }
    const [x0, y0, x1, y1] = this.box.subarray(4 * u, 4 * u + 4);
    if (Math.max(x1 - x0, y1 - y0) < TINY) {
      path.rect(x - SQUARE / 2, y - SQUARE / 2, SQUARE, SQUARE);
      this.box.set([x - SQUARE / 2, y - SQUARE / 2, x + SQUARE / 2, y + SQUARE / 2], 4 * u);
      return path;
    }
    return ringsPath(rings, this.scale, this.dx, this.dy, path);
  }

  nameFrames() {
    const { lines, app } = this;
    lines.font = fontOf(app.colours, 11);
    lines.textAlign = "right";
    lines.textBaseline = "alphabetic";
    for (const { box, name, closed } of this.map.frames) {
      const text = either(name);
      const words = text.length > 10 && text.includes(" ") ? [text.slice(0, text.indexOf(" Sea")), text.slice(text.indexOf(" Sea") + 1)] : [text];
      const wide = (box[2] - box[0]) * this.scale;
      if (!closed || !text || wide < 76) continue;
      words.filter(Boolean).forEach((word, k) => {
        const [x, y] = [box[2] * this.scale + this.dx - 4, box[3] * this.scale + this.dy - 5 - 13 * (words.length - 1 - k)];
        lines.lineWidth = 3;
        lines.strokeStyle = app.colours.paper;
        lines.strokeText(word, x, y);
        lines.fillStyle = app.colours["ink-2"];
        lines.fillText(word, x, y);
      });
    }
  }

  /** Without a map: units by rank, their values upwards. */
  placeRanks() {
    const { fills, lines, app } = this;
    const { shown } = measure(app.study, app.state.variable, app.state.time);
    const order = Array.from(shown.keys()).filter((i) => !Number.isNaN(shown[i]));
    order.sort((a, b) => shown[b] - shown[a]);
    const [left, bottom] = [58, 8];
    const [high, low] = order.length ? [shown[order[0]], shown[order.at(-1)]] : [1, 0];
    const span = high - low || 1;
    const y = (value) => 10 + ((high - value) / span) * (fills.h - 20 - bottom);
    this.at = new Float32Array(2 * app.study.units).fill(-99);
    this.box = new Float32Array(4 * app.study.units).fill(-99);
    order.forEach((i, k) => this.at.set([left + 8 + (k / Math.max(1, order.length - 1)) * (fills.w - left - 18), y(shown[i])], 2 * i));
    this.paths = Array.from({ length: app.study.units }, (_, u) => this.pathOf([], u));
    clear(lines);
    lines.font = fontOf(app.colours, 11.5);
    lines.textAlign = "right";
    lines.textBaseline = "middle";
    for (const value of ticks(low, high, 5)) {
      lines.strokeStyle = app.colours.grid;
      lines.beginPath();
      lines.moveTo(left, y(value));
      lines.lineTo(fills.w, y(value));
      lines.stroke();
      lines.fillStyle = app.colours["ink-2"];
      lines.fillText(significant(value), left - 6, y(value));
    }
    this.codes = null;
  }

  step() {
    const { app, fills } = this;
    if (!this.map) this.placeRanks();
    const now = codesOf(app.study, app.state);
    const whole = this.codes === null;
    if (whole) clear(fills);
    let painted = 0;
    for (let u = 0; u < now.length; u++) {
      if (!whole && now[u] === this.codes[u]) continue;
      this.paint(fills, u, now[u]);
      painted++;
    }
    this.painted = painted;
    this.codes = now;
    this.choose();
  }

  paint(context, u, code) {
    context.fillStyle = fillOf(code, this.app, this.pattern);
    context.fill(this.paths[u], "evenodd");
    if (!this.map || this.map.points) {
      context.strokeStyle = this.app.colours[code === MISSING ? "hatch" : "coast"];
      context.lineWidth = 0.8;
      context.stroke(this.paths[u]);
    } else if (code !== MISSING) {
      // A hairline of its own colour closes the seams between neighbours.
      context.strokeStyle = context.fillStyle;
      context.lineWidth = 0.6;
      context.stroke(this.paths[u]);
    }
  }

  /** Paint what is selected once, beside the screen; the fills below fade by their style. */
  choose() {
    const { selected } = this.app.state;
    this.fills.canvas.classList.toggle("dim", selected.size > 0);
    this.chosen.width = this.top.canvas.width;
    this.chosen.height = this.top.canvas.height;
    if (selected.size) {
      const context = this.chosen.getContext("2d");
      context.setTransform(pixelRatio(), 0, 0, pixelRatio(), 0, 0);
      for (const u of selected) this.paint(context, u, this.codes[u]);
      context.strokeStyle = this.app.colours.ink;
      context.lineWidth = selected.size > 400 ? 0.6 : 1.1;
      context.lineJoin = "round";
      for (const u of selected) context.stroke(this.paths[u]);
    }
    this.drawTop();
  }

  drawTop() {
    const { top, app } = this;
    clear(top);
    if (app.state.selected.size) top.drawImage(this.chosen, 0, 0, top.w, top.h);
    if (app.state.hover >= 0) this.drawHover(app.state.hover);
    if (this.brushed) drawBand(top, app.colours, this.brushed);
  }

  drawHover(u) {
    const { top, app, at } = this;
    const { indptr, indices } = app.study.links;
    top.lineJoin = "round";
    if (u < app.study.n) {
      const near = Array.from(indices.subarray(indptr[u], indptr[u + 1]));
      top.strokeStyle = app.colours.ink;
      top.lineWidth = 0.9;
      for (const j of near) top.stroke(this.paths[j]);
      top.beginPath();
      for (const j of near) {
        top.moveTo(at[2 * u], at[2 * u + 1]);
        top.lineTo(at[2 * j], at[2 * j + 1]);
      }
      top.strokeStyle = app.colours.accent;
      top.stroke();
    }
    top.strokeStyle = app.colours.paper;
    top.lineWidth = 4.5;
    top.stroke(this.paths[u]);
    top.strokeStyle = app.colours.accent;
    top.lineWidth = 2.2;
    top.stroke(this.paths[u]);
  }

  // ---- the brush
  band(box) {
    this.brushed = box;
    this.drawTop();
  }

  inside(x0, y0, x1, y1) {
    const found = [];
    for (let u = 0; u < this.paths.length; u++) {
      const [x, y] = [this.at[2 * u], this.at[2 * u + 1]];
      if (x >= x0 && x <= x1 && y >= y0 && y <= y1) found.push(u);
    }
    return found;
  }

  under(x, y) {
    const { box, paths, fills } = this;
    const ratio = pixelRatio();
    for (let u = paths.length - 1; u >= 0; u--) {
      if (x < box[4 * u] || x > box[4 * u + 2] || y < box[4 * u + 1] || y > box[4 * u + 3]) continue;
      if (fills.isPointInPath(paths[u], x * ratio, y * ratio, "evenodd")) return u;
    }
    return -1;
  }
}

/** The weights as links over the map, each drawn once. */
export function drawLinks(stage, app) {
  const { study, colours } = app;
  const { map, links } = study;
  if (!map) return;
  const width = stage.clientWidth;
  const scale = Math.min((width - 2 * PAD) / map.width, 460 / map.height);
  const [context] = fitStage(stage, Math.ceil(map.height * scale + 2 * PAD));
  const dx = (width - map.width * scale) / 2;
  const hatch = hatchOf(context, colours);
  map.shapes.forEach((rings, u) => {
    context.fillStyle = u < study.n ? colours.land : hatch;
    context.fill(ringsPath(rings, scale, dx, PAD), "evenodd");
  });
  drawBorders(context, map, { ...colours, edge: colours["land-edge"] }, scale, dx, PAD, study.units);
  const x = (u) => map.centres[2 * u] * scale + dx;
  const y = (u) => map.centres[2 * u + 1] * scale + PAD;
  context.beginPath();
  for (let i = 0; i < study.n; i++) {
    for (let k = links.indptr[i]; k < links.indptr[i + 1]; k++) {
      const j = links.indices[k];
      const back = links.indices.subarray(links.indptr[j], links.indptr[j + 1]).includes(i);
      if (j < i && back) continue;
      context.moveTo(x(i), y(i));
      context.lineTo(x(j), y(j));
    }
  }
  context.strokeStyle = colours.links;
  context.globalAlpha = 0.8;
  context.lineWidth = study.n > 1000 ? 0.5 : 0.8;
  context.stroke();
  context.globalAlpha = 1;
  for (let i = 0; i < study.n; i++) {
    const many = links.count[i];
    context.beginPath();
    context.arc(x(i), y(i), many ? Math.min(4, (study.n > 1000 ? 0.35 : 0.7) * Math.sqrt(many)) : 3, 0, 7);
    context.fillStyle = colours.ink;
    if (many) context.fill();
    else {
      context.strokeStyle = colours.hh;
      context.lineWidth = 1.2;
      context.stroke();
    }
  }
}
