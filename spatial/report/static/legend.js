// The legend, whose entries are buttons with counts, and the tip beside the pointer.

import { CODES, ISLAND, MISSING, NOT_SIGNIFICANT, clusterOf, measure, valueCode } from "./statistics.js";
import { count, fixed, level, significant } from "./numbers.js";
import { either, say } from "./words.js";

/** Entries of the legend: a code, its words and the class of its swatch; no data comes last. */
function entries(app) {
  const { state, study, variable } = app;
  if (state.view === "values") {
    const classes = variable.class_labels.map((label, c) => ({ code: valueCode(c), label, colour: variable.colours[app.theme][c] }));
    return [...classes, { code: MISSING, label: say("missing") }];
  }
  const rest = [ISLAND, MISSING].map((code) => ({ code, label: say(CODES[code]) }));
  if (state.view === "p") {
    const steps = study.pLevels.map((alpha, k) => {
      const next = study.pLevels[k + 1];
      const label = next === undefined ? `p ≤ ${level(alpha)}` : `${level(next)} < p ≤ ${level(alpha)}`;
      return { code: valueCode(k + 1), label, swatch: `p${k + 1}` };
    });
    steps.reverse();
    const most = study.pLevels[0];
    return [...steps, { code: valueCode(0), label: `p > ${level(most)}`, swatch: "not-significant" }, ...rest];
  }
  const clusters = CODES.slice(0, NOT_SIGNIFICANT + 1).map((_, code) => ({ code, label: say(CODES[code]) }));
  return [...clusters, ...rest];
}

export class Legend {
  constructor(root, app) {
    this.root = root;
    this.app = app;
    this.buttons = new Map();
    this.pressed = null;
  }

  /** Buttons, made anew for a view, a variable or a language. */
  resize() {
    const { app, root } = this;
    this.buttons.clear();
    root.replaceChildren();
    for (const { code, label, swatch, colour } of entries(app)) {
      const button = document.createElement("button");
      const mark = document.createElement("i");
      mark.className = `swatch k-${swatch ?? CODES[code] ?? "value"}`;
      if (colour) mark.style.backgroundColor = colour;
      const words = document.createElement("span");
      words.textContent = label;
      const number = document.createElement("em");
      button.type = "button";
      button.dataset.code = code;
      button.setAttribute("aria-pressed", "false");
      button.append(mark, words, number);
      button.addEventListener("click", (event) => this.choose(code, event.shiftKey));
      root.append(button);
      this.buttons.set(code, { button, number });
    }
  }

  choose(code, add) {
    const { app } = this;
    const was = this.pressed === code;
    const units = was ? [] : Array.from(app.map.codes.keys()).filter((u) => app.map.codes[u] === code);
    app.select(units, add && !was);
    this.press(was ? null : code);
  }

  press(code) {
    this.pressed = code;
    for (const [own, { button }] of this.buttons) button.setAttribute("aria-pressed", String(own === code));
  }

  step() {
    const many = new Int32Array(64);
    for (const code of this.app.map.codes) many[code]++;
    this.many = many;
    for (const [code, { button, number }] of this.buttons) {
      number.textContent = `(${count(many[code])})`;
      // What cannot occur in this map takes no room.
      button.hidden = many[code] === 0 && (code === ISLAND || code === MISSING);
    }
  }
}

/** What is said of a unit: pairs (what, how much). */
function factsOf(app, u) {
  const { study, state, variable } = app;
  const found = measure(study, state.variable, state.time);
  const value = u < study.n ? found.shown[u] : NaN;
  if (Number.isNaN(value)) return [[either(variable.label_shown), say("missing")]];
  const facts = [[either(variable.label_shown), significant(value)]];
  if (found.problem) return facts;
  const near = Array.from(study.links.indices.subarray(study.links.indptr[u], study.links.indptr[u + 1]));
  const there = near.map((j) => found.x[j]).filter((x) => !Number.isNaN(x));
  if (there.length) {
    const mean = there.reduce((a, b) => a + b, 0) / there.length;
    facts.push([say("neighbour_mean", { n: count(there.length) }), significant(variable.log ? Math.exp(mean) : mean)]);
  }
  let rank = 1;
  for (const x of found.x) if (x > found.x[u]) rank++;
  facts.push([say("rank"), `${count(rank)} / ${count(found.n)}`]);
  facts.push([say("cluster"), say(CODES[clusterOf(found, u, state.alpha, state.fdr)])]);
  facts.push(["z, " + say("lag_z"), `${fixed(found.z[u], 2)}, ${fixed(found.lag[u], 2)}`]);
  facts.push([say(state.fdr ? "p_fdr" : "p_plain"), app.p((state.fdr ? found.fdr : found.p)[u])]);
  return facts;
}

export class Tip {
  constructor(root, app) {
    this.root = root;
    this.app = app;
  }

  hide() {
    this.root.hidden = true;
  }

  show(u, x, y) {
    const { root, app } = this;
    const head = document.createElement("b");
    head.textContent = app.name(u);
    const id = document.createElement("small");
    id.textContent = app.name(u) === app.study.ids[u] ? "" : app.study.ids[u];
    const list = document.createElement("dl");
    for (const [what, much] of factsOf(app, u)) {
      const [dt, dd] = [document.createElement("dt"), document.createElement("dd")];
      dt.textContent = what;
      dd.textContent = much;
      list.append(dt, dd);
    }
    root.replaceChildren(head, id, list);
    root.hidden = false;
    const { width, height } = root.getBoundingClientRect();
    const left = Math.max(6, Math.min(x + 14, window.innerWidth - width - 10));
    const top = y + 18 + height > window.innerHeight ? Math.max(6, y - height - 12) : y + 18;
    root.style.left = `${left + window.scrollX}px`;
    root.style.top = `${top + window.scrollY}px`;
  }

  words(u) {
    return [this.app.name(u), ...factsOf(this.app, u).map((pair) => pair.join(" "))].join(", ");
  }
}
