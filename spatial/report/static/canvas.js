// What the canvases share: their size, the colours of the theme, the hatch of what has no data, and the brush.

import { CODES, HH, ISLAND, MISSING, NOT_SIGNIFICANT } from "./statistics.js";

export const pixelRatio = () => Math.min(window.devicePixelRatio || 1, 2);

const TOKENS = [
  ...["paper", "ink", "ink-2", "ink-3", "rule", "grid", "accent", "coast", "group", "edge", "mark", "dot", "hatch"],
  ...["hh", "ll", "lh", "hl", "not-significant", "island", "p1", "p2", "p3", "links", "land", "land-edge", "c1", "c2"],
];

/** The colours of the theme in use, read once. */
export function readColours() {
  const style = getComputedStyle(document.documentElement);
  const found = Object.fromEntries(TOKENS.map((token) => [token, style.getPropertyValue(`--${token}`).trim()]));
  found.codes = CODES.slice(0, MISSING).map((code) => found[code.toLowerCase()]);
  found.font = getComputedStyle(document.body).fontFamily;
  found.hatchTile = hatchTile(found);
  return found;
}

/** One tile of lines at 45 degrees, 5 px apart, on paper. */
function hatchTile(colours) {
  const ratio = pixelRatio();
  const tile = document.createElement("canvas");
  const step = 5 * Math.SQRT2;
  tile.width = tile.height = Math.round(step * ratio);
  const context = tile.getContext("2d");
  const side = tile.width;
  context.fillStyle = colours.paper;
  context.fillRect(0, 0, side, side);
  context.strokeStyle = colours.hatch;
  context.lineWidth = ratio;
  context.beginPath();
  for (const shift of [-side, 0, side]) {
    context.moveTo(shift - ratio, side + ratio);
    context.lineTo(shift + side + ratio, -ratio);
  }
  context.stroke();
  return tile;
}

export function hatchOf(context, colours) {
  const pattern = context.createPattern(colours.hatchTile, "repeat");
  pattern.setTransform(new DOMMatrix().scale(1 / pixelRatio()));
  return pattern;
}

export const fontOf = (colours, size, weight = 400) => `${weight} ${size}px ${colours.font}`;

/** Give the canvases of a stage its width and a height; return their contexts, in CSS pixels. */
export function fitStage(stage, height) {
  const ratio = pixelRatio();
  const width = stage.clientWidth;
  return Array.from(stage.querySelectorAll("canvas:not(.copy)"), (canvas) => {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.height = `${height}px`;
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.w = width;
    context.h = height;
    return context;
  });
}

export const clear = (context) => context.clearRect(0, 0, context.w, context.h);

/** The fill of a code: a colour, or the hatch. */
export function fillOf(code, app, pattern) {
  const { colours } = app;
  if (code === MISSING) return pattern;
  if (code < MISSING) return colours.codes[code];
  const place = code - 10;
  if (app.state.view === "values") return app.variable.colours[app.theme][place];
  return place === 0 ? colours["not-significant"] : colours[`p${place}`];
}

/** Clusters stand out in scatter plots; what is not significant does not. */
export const isCluster = (code) => code >= HH && code < NOT_SIGNIFICANT;
export const isMeasured = (code) => code < ISLAND;

/** The band of a brush. */
export function drawBand(context, colours, [x0, y0, x1, y1]) {
  context.save();
  context.globalAlpha = 0.14;
  context.fillStyle = colours.accent;
  context.fillRect(x0, y0, x1 - x0, y1 - y0);
  context.globalAlpha = 1;
  context.strokeStyle = colours.accent;
  context.lineWidth = 1;
  context.strokeRect(x0, y0, x1 - x0, y1 - y0);
  context.restore();
}

/**
 * Let a reader point, click and drag on a stage.  A finger only points and taps: its drag scrolls the page.
 * `view` has band(box or null), inside(x0, y0, x1, y1), under(x, y) or bar(x); `app` has select, toggle and hover.
 */
export function makeBrush(stage, view, app) {
  const top = stage.querySelector(".top");
  let start = null;
  const at = (event) => {
    const box = top.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const boxTo = ([x, y]) => [Math.min(start.x, x), Math.min(start.y, y), Math.max(start.x, x), Math.max(start.y, y)];
  top.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    const [x, y] = at(event);
    start = { x, y, moved: false };
    if (event.pointerType === "mouse") top.setPointerCapture(event.pointerId);
  });
  top.addEventListener("pointermove", (event) => {
    const place = at(event);
    const dragged = start && event.pointerType === "mouse";
    if (dragged && (start.moved || Math.hypot(place[0] - start.x, place[1] - start.y) > 5)) {
      start.moved = true;
      app.hover(-1);
      view.band(boxTo(place));
    } else if (!start) {
      app.hover(view.under(...place), event);
    }
  });
  top.addEventListener("pointerup", (event) => {
    if (!start) return;
    const place = at(event);
    const { moved } = start;
    if (moved) {
      const box = boxTo(place);
      view.band(null);
      app.select(view.inside(...box), event.shiftKey);
    } else {
      const unit = view.under(...place);
      if (view.bar) app.select(view.bar(place[0]), event.shiftKey);
      else app.toggle(unit, event.shiftKey);
      if (event.pointerType !== "mouse") app.hover(unit, event);
    }
    start = null;
  });
  top.addEventListener("pointercancel", () => {
    start = null;
    view.band(null);
  });
  top.addEventListener("pointerleave", () => {
    if (!start) app.hover(-1);
  });
}
