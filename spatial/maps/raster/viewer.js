// A pyramid of tiles on a canvas: dragged, and zoomed by wheel, fingers, keys and buttons. No server, no network.

const SIDE = 256;
const KEPT = 400;
const pyramid = JSON.parse(document.getElementById("pyramid").textContent);
const canvas = document.getElementById("map");
const context = canvas.getContext("2d");
const kept = new Map();
const fingers = new Map();
let view = { u: 0.5, v: 0.5, scale: SIDE };
let waiting = false;

/** The picture of a tile, asked for once; null where there is none. */
function picture(z, x, y) {
  const runs = pyramid.tiles[z][x] ?? [];
  if (!runs.some((first, k) => k % 2 === 0 && first <= y && y <= runs[k + 1])) return null;
  const name = `${z}/${x}/${y}.png`;
  let found = kept.get(name);
  if (found) kept.delete(name);
  else {
    found = new Image();
    found.onload = refresh;
    found.src = name;
    if (kept.size >= KEPT) kept.delete(kept.keys().next().value);
  }
  kept.set(name, found);
  return found;
}

const isThere = (found) => found !== null && found.complete && found.naturalWidth > 0;

/** Draw a tile, or the part of the nearest one above that is there; tell whether it is as it will be. */
function drawTile(z, x, y, left, top, size) {
  for (let up = 0; up <= z; up += 1) {
    const found = picture(z - up, x >> up, y >> up);
    if (found === null) return true;
    if (isThere(found)) {
      const part = SIDE / 2 ** up;
      const across = (x - ((x >> up) << up)) * part;
      const down = (y - ((y >> up) << up)) * part;
      context.drawImage(found, across, down, part, part, left, top, size, size);
      return up === 0;
    }
  }
  return false;
}

function draw() {
  waiting = false;
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const z = Math.max(0, Math.min(pyramid.zoom, Math.round(Math.log2((view.scale * ratio) / SIDE))));
  const count = 2 ** z;
  const size = view.scale / count;
  context.imageSmoothingEnabled = size * ratio < 1.5 * SIDE;
  const left = view.u * view.scale - width / 2;
  const top = view.v * view.scale - height / 2;
  let whole = true;
  for (let y = Math.max(0, Math.floor(top / size)); y < count && y * size < top + height; y += 1) {
    for (let x = Math.max(0, Math.floor(left / size)); x < count && x * size < left + width; x += 1) {
      // Edges on whole pixels of the screen, or seams would show.
      const [a, b, c, d] = [x * size - left, y * size - top, (x + 1) * size - left, (y + 1) * size - top].map((edge) => Math.round(edge * ratio) / ratio);
      whole = drawTile(z, x, y, a, b, Math.max(c - a, d - b)) && whole;
    }
  }
  document.body.dataset.ready = whole ? "yes" : "no";
}

function refresh() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(draw);
}

/** Zoom about a point of the canvas. */
function zoomAt(factor, x, y) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = Math.max(SIDE / 2, Math.min(SIDE * 2 ** (pyramid.zoom + 4), view.scale * factor));
  const u = view.u + (x - width / 2) / view.scale;
  const v = view.v + (y - height / 2) / view.scale;
  view = { u: u - (x - width / 2) / scale, v: v - (y - height / 2) / scale, scale };
  refresh();
}

function move(x, y) {
  const keep = (at) => Math.max(0, Math.min(1, at));
  view = { ...view, u: keep(view.u - x / view.scale), v: keep(view.v - y / view.scale) };
  refresh();
}

function showAll() {
  const [west, north, east, south] = pyramid.bounds;
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = 0.95 * Math.min(width / Math.max(east - west, 1e-9), height / Math.max(south - north, 1e-9));
  view = { u: (west + east) / 2, v: (north + south) / 2, scale: Math.min(scale, SIDE * 2 ** (pyramid.zoom + 2)) };
  refresh();
}

const middle = () => [canvas.clientWidth / 2, canvas.clientHeight / 2];
const KEYS = {
  "+": () => zoomAt(2, ...middle()),
  "=": () => zoomAt(2, ...middle()),
  "-": () => zoomAt(0.5, ...middle()),
  0: showAll,
  ArrowLeft: () => move(80, 0),
  ArrowRight: () => move(-80, 0),
  ArrowUp: () => move(0, 80),
  ArrowDown: () => move(0, -80),
};

canvas.addEventListener("keydown", (event) => {
  const act = KEYS[event.key];
  if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  act();
});
canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  zoomAt(2 ** (-event.deltaY / 300), event.offsetX, event.offsetY);
}, { passive: false });
canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  fingers.set(event.pointerId, [event.offsetX, event.offsetY]);
});
canvas.addEventListener("pointermove", (event) => {
  const before = fingers.get(event.pointerId);
  if (!before) return;
  const now = [event.offsetX, event.offsetY];
  const other = [...fingers].find(([id]) => id !== event.pointerId);
  fingers.set(event.pointerId, now);
  if (!other) {
    move(now[0] - before[0], now[1] - before[1]);
    return;
  }
  const [x, y] = other[1];
  const apart = (point) => Math.max(10, Math.hypot(point[0] - x, point[1] - y));
  zoomAt(apart(now) / apart(before), (now[0] + x) / 2, (now[1] + y) / 2);
});
for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => fingers.delete(event.pointerId));
document.getElementById("closer").addEventListener("click", KEYS["+"]);
document.getElementById("farther").addEventListener("click", KEYS["-"]);
document.getElementById("all").addEventListener("click", showAll);
new ResizeObserver(refresh).observe(canvas);
showAll();
