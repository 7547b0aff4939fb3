// The page: one state, the views that show it, and what a reader can do to it.

import { readColours } from "./canvas.js";
import { Histogram, Scatter } from "./charts.js";
import { decodeStudy } from "./decode.js";
import { Legend, Tip } from "./legend.js";
import { MapView, drawLinks } from "./map.js";
import { count, level, pValue } from "./numbers.js";
import { codesOf, measure, nearestTowards } from "./statistics.js";
import { Table } from "./table.js";
import { TimeStrip } from "./time.js";
import { currentLanguage, either, isChinese, say, speak, useWords } from "./words.js";

const LATER = 120; // ms after the last step until table and live region follow
const one = (query) => document.querySelector(query);
const all = (query) => Array.from(document.querySelectorAll(query));

class App {
  constructor(study) {
    this.study = study;
    this.theme = "light";
    this.state = {
      ...{ variable: 0, time: study.times.length - 1, view: "clusters", alpha: study.alpha, fdr: false },
      ...{ selected: new Set(), hover: -1, sort: [2, -1], tab: "explore" },
    };
    this.map = new MapView(one("#map"), this);
    this.scatter = new Scatter(one("#scatter"), this);
    this.histogram = new Histogram(one("#histogram"), this);
    this.legend = new Legend(one("#legend"), this);
    this.strip = new TimeStrip(one("#time-strip"), this);
    this.table = new Table(one("#rows"), this);
    this.tip = new Tip(one("#tip"), this);
    this.views = [this.map, this.legend, this.scatter, this.histogram, this.strip];
  }

  get variable() {
    return this.study.variables[this.state.variable];
  }

  name(u) {
    const { names } = this.study;
    return (isChinese() && names[1] ? names[1] : names[0])[u];
  }

  p(value) {
    return pValue(value, this.study.least);
  }

  note(query, text) {
    one(query).textContent = text;
  }

  // ---- drawing
  /** All again: another width, theme, language or variable. */
  resize() {
    this.colours = readColours();
    this.note("#histogram-title", either(this.variable.label_shown));
    for (const view of this.views) view.resize();
    this.captions();
    // Beside each other, both columns end together: the scatter plot takes up the difference.
    const [left, side] = [one(".left"), one(".side")];
    if (side.offsetTop === left.offsetTop) this.scatter.resize(contentHeight(left) - contentHeight(side));
    this.step();
    if (!one("#weights").hidden) this.drawLinks();
  }

  /** Only what another time, view or level changes. */
  step() {
    for (const view of this.views) view.step();
    this.captions();
    this.later();
  }

  captions() {
    const { state, study } = this;
    const problem = this.variable.problems[state.time];
    this.note("#map-title", this.title());
    const level_ = level(state.alpha);
    const side = say(`side_${study.alternative}`);
    const sub = {
      clusters: () => say(state.fdr ? "clusters_fdr" : "clusters_p", { alpha: level_, side }),
      values: () => (this.variable.log ? say("classes_log") : say("classes")),
      p: () => say(state.fdr ? "p_view_fdr" : "p_view", { side }),
    };
    const tails = study.alternative === "two-sided" ? 2 : 1;
    const enough = Math.ceil((tails * measure(study, state.variable, state.time).tests) / state.alpha - 1e-9) - 1;
    const few = state.fdr && state.view !== "values" && study.permutations < enough;
    const floor = few ? `; ${say("fdr_floor", { permutations: count(study.permutations), enough: count(enough) })}` : "";
    this.note("#map-sub", sub[state.view]() + floor);
    if (this.scatter.fits) {
      this.note("#scatter-sub", this.scatter.caption());
      this.note("#slopes", this.scatter.slopes().join(" · "));
    }
    const box = one("#problem");
    box.hidden = !problem;
    if (problem) box.textContent = say("not_measured", { reason: problem });
  }

  title() {
    const { state, study } = this;
    const what = either(state.view === "values" ? this.variable.label_shown : this.variable.label);
    const title = say(`title_${state.view}`, { what });
    return study.times.length > 1 ? say("title_at", { title, time: study.times[state.time] }) : title;
  }

  later() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.follow(), LATER);
  }

  follow() {
    clearTimeout(this.waiting);
    this.table.draw();
    const spoken = `${this.scatter.caption()}. ${this.counts()}`;
    one("#map .top").setAttribute("aria-label", `${this.title()}. ${this.counts()}`);
    one("#scatter .top").setAttribute("aria-label", `${say("scatter")}. ${this.scatter.caption()}`);
    one("#histogram .top").setAttribute("aria-label", `${say("histogram")}. ${either(this.variable.label_shown)}`);
    this.note("#live", `${this.study.times.length > 1 ? `${this.study.times[this.state.time]}: ` : ""}${spoken}`);
  }

  counts() {
    const parts = [];
    for (const { button, number } of this.legend.buttons.values()) {
      if (!button.hidden) parts.push(`${button.querySelector("span").textContent} ${number.textContent}`);
    }
    return parts.join(", ");
  }

  drawLinks() {
    const stage = one("#links");
    if (stage && stage.clientWidth) drawLinks(stage, this);
  }

  // ---- acting
  goTo(time) {
    this.state.time = time;
    this.step();
  }

  change(part) {
    Object.assign(this.state, part);
    this.map.codes = null;
    this.legend.resize();
    if ("alpha" in part || "variable" in part) this.strip.resize();
    this.step();
    this.press();
  }

  select(units, add = false) {
    const { selected } = this.state;
    if (!add) selected.clear();
    for (const u of units) selected.add(u);
    this.legend.press(null);
    one("#clear").disabled = selected.size === 0;
    for (const view of [this.map, this.scatter, this.histogram]) view.choose();
    this.note("#slopes", this.scatter.slopes().join(" · "));
    this.later();
  }

  /** A click: the unit alone, or with those before; again, or beside all units, nothing. */
  toggle(u, add = false) {
    const { selected } = this.state;
    if (u < 0) this.select([]);
    else if (selected.has(u) && (add || selected.size === 1)) this.select([...selected].filter((other) => other !== u));
    else this.select([u], add);
  }

  hover(u, event) {
    if (u !== this.state.hover) {
      this.state.hover = u;
      this.map.drawTop();
      this.scatter.drawTop();
    }
    if (u < 0) this.tip.hide();
    else if (event) this.tip.show(u, event.clientX, event.clientY);
  }

  /** Show which choices are in force. */
  press() {
    for (const button of all("#modes button")) button.setAttribute("aria-pressed", String(button.value === this.state.view));
    for (const button of all("#levels button")) button.setAttribute("aria-pressed", String(Number(button.value) === this.state.alpha));
    for (const button of all("[data-lang]")) button.setAttribute("aria-pressed", String(button.dataset.lang === currentLanguage()));
    const dark = this.theme === "dark";
    one("#theme").setAttribute("aria-pressed", String(dark));
    one("#theme").textContent = say(dark ? "light" : "dark");
  }

  setTheme(theme) {
    this.theme = theme;
    document.documentElement.dataset.theme = theme;
    this.resize();
    this.press();
  }

  setLanguage(lang) {
    useWords(this.study.words, lang);
    document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";
    document.title = either(this.study.title);
    speak();
    this.fillControls();
    this.resize();
    this.press();
  }

  fillControls() {
    const options = this.study.variables.map((variable, k) => new Option(either(variable.label), k, false, k === this.state.variable));
    one("#variable").replaceChildren(...options);
    const buttons = this.study.levels.map(({ value, reached }) => {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", value, textContent: level(value), disabled: !reached });
      if (!reached) button.title = say("unreached", { least: this.p(this.study.least), permutations: this.study.permutations });
      button.addEventListener("click", () => this.change({ alpha: value }));
      return button;
    });
    one("#levels").replaceChildren(...buttons);
    one("#levels-note").hidden = this.study.levels.every(({ reached }) => reached);
    this.note("#levels-note", say("unreached", { least: this.p(this.study.least), permutations: this.study.permutations }));
    const names = Array.from({ length: Math.min(this.study.units, 4000) }, (_, u) => new Option(this.study.ids[u], this.name(u)));
    one("#names").replaceChildren(...names);
    this.strip.stop();
  }

  showTab(key) {
    this.state.tab = key;
    for (const button of all("[role=tab]")) {
      const on = button.dataset.tab === key;
      button.setAttribute("aria-selected", String(on));
      button.tabIndex = on ? 0 : -1;
      one(`#${button.dataset.tab}`).hidden = !on;
    }
    if (key === "explore") this.resize();
    if (key === "weights") this.drawLinks();
    fitTables();
  }

  // ---- keyboard
  /** From the unit pointed at to the nearest one in a direction. */
  move(dx, dy) {
    const { at } = this.map;
    const { hover } = this.state;
    const found = hover < 0 ? 0 : nearestTowards(at, hover, dx, dy);
    if (found < 0) return;
    const box = one("#map .top").getBoundingClientRect();
    this.hover(found, { clientX: box.left + at[2 * found], clientY: box.top + at[2 * found + 1] });
    this.note("#live", this.tip.words(found));
  }

  find(text) {
    const wanted = text.trim().toLowerCase();
    const { ids } = this.study;
    if (!wanted) return false;
    let u = ids.findIndex((id, k) => id.toLowerCase() === wanted || this.name(k).toLowerCase() === wanted);
    if (u < 0) u = ids.findIndex((_, k) => this.name(k).toLowerCase().startsWith(wanted));
    if (u < 0) return false;
    this.select([u]);
    this.hover(u);
    return true;
  }

  // ---- paper
  /** A canvas that is drawn again in this event comes out blank: what prints are fresh copies, on light paper. */
  beforePrint() {
    this.screen = this.theme;
    this.hover(-1);
    this.follow();
    for (const panel of all("[role=tabpanel]")) panel.hidden = false;
    if (this.theme === "dark") this.setTheme("light");
    this.drawLinks();
    for (const stage of all(".stage")) {
      const canvases = Array.from(stage.querySelectorAll("canvas"));
      if (!canvases[0].width) continue;
      const copy = document.createElement("canvas");
      Object.assign(copy, { className: "copy", width: canvases[0].width, height: canvases[0].height });
      const context = copy.getContext("2d");
      for (const canvas of canvases) {
        context.globalAlpha = canvas.classList.contains("dim") ? 0.26 : 1;
        context.drawImage(canvas, 0, 0);
      }
      stage.append(copy);
    }
  }

  afterPrint() {
    for (const copy of all("canvas.copy")) copy.remove();
    this.showTab(this.state.tab);
    this.setTheme(this.screen);
  }
}

/** From the top of the first to the foot of the last child: columns of a grid are stretched. */
const contentHeight = (column) => column.lastElementChild.getBoundingClientRect().bottom - column.getBoundingClientRect().top;

/** Tables that fit scroll with the page, their heads below the tabs; wider ones scroll in frames of their own. */
function fitTables() {
  for (const frame of all("section:not(#explore) .scroll")) frame.classList.toggle("fits", frame.scrollWidth <= frame.clientWidth);
}

function wire(app) {
  one("#variable").addEventListener("change", (event) => {
    app.change({ variable: Number(event.target.value) });
    app.resize();
  });
  for (const button of all("#modes button")) button.addEventListener("click", () => app.change({ view: button.value }));
  one("#fdr").addEventListener("change", (event) => app.change({ fdr: event.target.checked }));
  for (const button of all("[data-lang]")) button.addEventListener("click", () => app.setLanguage(button.dataset.lang));
  one("#theme").addEventListener("click", () => app.setTheme(app.theme === "dark" ? "light" : "dark"));
  one("#print").addEventListener("click", () => window.print());
  one("#clear").addEventListener("click", () => app.select([]));
  one("#download").addEventListener("click", () => app.table.download());
  const found = one("#find");
  found.addEventListener("change", () => {
    if (app.find(found.value)) found.value = "";
  });
  wireTabs(app);
  wireKeys(app);
  wireWindow(app);
}

function wireTabs(app) {
  const tabs = all("[role=tab]");
  tabs.forEach((tab, k) => {
    tab.addEventListener("click", () => app.showTab(tab.dataset.tab));
    tab.addEventListener("keydown", (event) => {
      const to = { ArrowRight: k + 1, ArrowLeft: k - 1, Home: 0, End: tabs.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      const next = tabs[(to + tabs.length) % tabs.length];
      app.showTab(next.dataset.tab);
      next.focus();
    });
  });
}

function wireKeys(app) {
  const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  one("#map .top").addEventListener("keydown", (event) => {
    if (event.key in ways) app.move(...ways[event.key]);
    else if ((event.key === "Enter" || event.key === " ") && app.state.hover >= 0) app.toggle(app.state.hover, true);
    else return;
    event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    app.select([]);
    app.hover(-1);
  });
}

function wireWindow(app) {
  let soon = 0;
  let width = window.innerWidth;
  let printing = false;
  window.addEventListener("resize", () => {
    // Phones change the height while they scroll.
    if (printing || window.innerWidth === width) return;
    width = window.innerWidth;
    clearTimeout(soon);
    soon = setTimeout(() => {
      app.resize();
      fitTables();
    }, 120);
  });
  window.addEventListener("beforeprint", () => {
    printing = true;
    app.beforePrint();
  });
  window.addEventListener("afterprint", () => {
    app.afterPrint();
    printing = false;
  });
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", () => app.setTheme(dark.matches ? "dark" : "light"));
}

function start() {
  const study = decodeStudy(JSON.parse(one("#payload").textContent));
  const root = document.documentElement;
  root.classList.add("scripted");
  const app = new App(study);
  app.theme = window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  root.dataset.theme = app.theme;
  for (const panel of all("[role=tabpanel]")) panel.hidden = panel.id !== "explore";
  app.setLanguage(study.lang);
  wire(app);
  app.select([]);
  app.follow();
  window.report = { app, measure, codesOf };
  requestAnimationFrame(() => setTimeout(() => {
    window.report.opened = performance.now();
    document.body.dataset.ready = "yes";
  }));
}

if (typeof document !== "undefined") start();
