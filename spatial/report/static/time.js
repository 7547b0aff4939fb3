// Moran's I over time, which is the slider: a range input lies over the curve.

import { fixed, tick, ticks } from "./numbers.js";
import { either, say } from "./words.js";

const MARGIN = 28; // half of the thumb's width, so that thumb and curve agree; see report.css
const PLAY = 700; // ms a time

export class TimeStrip {
  constructor(root, app) {
    this.app = app;
    this.root = root;
    this.svg = root.querySelector("svg");
    this.slider = root.querySelector("input");
    this.year = root.querySelector(".year");
    this.button = root.querySelector("#play");
    this.timer = 0;
    this.slider.addEventListener("input", () => {
      this.stop();
      app.goTo(Number(this.slider.value));
    });
    this.button.addEventListener("click", () => (this.timer ? this.stop() : this.play()));
  }

  play() {
    const { app } = this;
    const last = app.study.times.length - 1;
    this.button.textContent = say("pause");
    if (app.state.time === last) app.goTo(0);
    this.timer = setInterval(() => (app.state.time < last ? app.goTo(app.state.time + 1) : this.stop()), PLAY);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = 0;
    this.button.textContent = say("play");
  }

  /** The curve, drawn anew for a variable, a level or a width. */
  resize() {
    const { app, svg } = this;
    const { study, variable, state } = app;
    const last = study.times.length - 1;
    this.root.hidden = last === 0;
    if (last === 0) return;
    this.slider.max = String(last);
    const [width, height] = [svg.clientWidth, svg.clientHeight];
    const values = [...variable.I, ...variable.low, ...variable.high, 0].filter((value) => value !== null);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const x = (t) => MARGIN + (t / last) * (width - 2 * MARGIN);
    const y = (value) => 16 + ((high - value) / (high - low || 1)) * (height - 38);
    this.at = { x, y };
    const known = study.times.map((_, t) => t).filter((t) => variable.I[t] !== null);
    const points = (series) => known.map((t) => `${x(t).toFixed(1)},${y(series[t]).toFixed(1)}`);
    const parts = [];
    if (known.length) {
      parts.push(`<polygon class="band" points="${points(variable.high).join(" ")} ${points(variable.low).reverse().join(" ")}"/>`);
    }
    for (const value of ticks(low, high, 3)) {
      parts.push(`<line class="${value === 0 ? "zero" : "grid"}" x1="${MARGIN - 8}" x2="${width - MARGIN + 8}" y1="${y(value)}" y2="${y(value)}"/>`);
      parts.push(`<text class="left" x="2" y="${y(value) + 4}">${tick(value)}</text>`);
    }
    for (const run of runs(known)) {
      parts.push(`<polyline class="curve" points="${run.map((t) => `${x(t).toFixed(1)},${y(variable.I[t]).toFixed(1)}`).join(" ")}"/>`);
    }
    for (const t of known) {
      const kind = variable.p[t] <= state.alpha ? "dot" : "dot hollow";
      parts.push(`<circle class="${kind}" cx="${x(t).toFixed(1)}" cy="${y(variable.I[t]).toFixed(1)}" r="${last > 30 ? 2.4 : 3.4}"/>`);
    }
    const every = Math.max(1, Math.ceil((last + 1) / Math.max(2, Math.floor((width - MARGIN) / 62))));
    for (let t = 0; t <= last; t++) {
      const shown = t === last || (t % every === 0 && last - t >= every * 0.7);
      if (shown) parts.push(`<text class="middle" x="${x(t)}" y="${height - 3}"></text>`);
    }
    parts.push(`<line class="now" y1="6" y2="${height - 18}"/><circle class="here" r="5"/><text class="value"></text>`);
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.innerHTML = parts.join("");
    // Times are text of the data: they never pass through markup.
    let label = 0;
    const labels = svg.querySelectorAll("text.middle");
    for (let t = 0; t <= last; t++) {
      if (t === last || (t % every === 0 && last - t >= every * 0.7)) labels[label++].textContent = study.times[t];
    }
    [this.now, this.here, this.value] = ["line.now", "circle.here", "text.value"].map((query) => svg.querySelector(query));
    this.width = width;
  }

  step() {
    const { app } = this;
    const { study, variable, state } = app;
    const t = state.time;
    this.year.textContent = study.times[t];
    if (study.times.length === 1) return;
    const I = variable.I[t]; // the literature's name
    const x = this.at.x(t);
    const known = I !== null;
    this.slider.value = String(t);
    this.now.setAttribute("x1", x);
    this.now.setAttribute("x2", x);
    this.here.setAttribute("visibility", known ? "visible" : "hidden");
    this.here.setAttribute("cx", x);
    if (known) this.here.setAttribute("cy", this.at.y(I));
    const insignificant = known && !(variable.p[t] <= state.alpha);
    this.value.textContent = known ? fixed(I) + (insignificant ? ` ${say("ns")}` : "") : say("no_value");
    const right = x < this.width / 2;
    this.value.setAttribute("x", x + (right ? 9 : -9));
    this.value.setAttribute("y", known ? Math.max(12, this.at.y(I) - 8) : 14);
    this.value.setAttribute("text-anchor", right ? "start" : "end");
    const words = known ? `I = ${fixed(I)}, p = ${app.p(variable.p[t])}` : say("no_value");
    this.slider.setAttribute("aria-valuetext", `${study.times[t]}: ${words}`);
    this.slider.setAttribute("aria-label", `${say("trend")}, ${either(variable.label)}`);
  }
}

/** Runs of times that follow each other: a gap is no line. */
export function runs(times) {
  const found = [];
  for (const t of times) {
    if (found.length && found.at(-1).at(-1) === t - 1) found.at(-1).push(t);
    else found.push([t]);
  }
  return found;
}
