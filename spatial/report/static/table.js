// The table of what is selected, or of all units; and the same as a file.

import { CODES, ISLAND, MISSING, clusterOf, measure } from "./statistics.js";
import { columnDecimals, count, csvCell, fixed, grouped } from "./numbers.js";
import { either, say } from "./words.js";

const MOST = 100;
const MARKS = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Text of the data as it may stand in markup. */
export const escaped = (text) => String(text).replace(/[&<>"']/g, (mark) => MARKS[mark]);

/** The columns: a heading, what to sort by, and whether it is a number. */
function columnsOf(app, found) {
  const { study, state } = app;
  return [
    { head: say("name"), by: (i) => app.name(i), text: true },
    { head: say("id"), by: (i) => (study.ids_are_text ? study.ids[i] : Number(study.ids[i])), text: true },
    { head: either(app.variable.label_shown), by: (i) => found.shown[i] },
    { head: say("z"), by: (i) => found.z[i] },
    { head: say("lag_z"), by: (i) => found.lag[i] },
    { head: say("cluster"), by: (i) => clusterOf(found, i, state.alpha, state.fdr), text: true },
    { head: say("p_plain"), by: (i) => found.p[i] },
    { head: say("p_fdr"), by: (i) => found.fdr[i] },
    { head: say("neighbours"), by: (i) => study.links.count[i] },
  ];
}

/** Put units in order; what has no value comes last either way. */
export function sorted(units, by, direction) {
  const collator = new Intl.Collator(undefined, { numeric: true });
  return [...units].sort((a, b) => {
    const [x, y] = [by(a), by(b)];
    const [lost, other] = [Number.isNaN(x), Number.isNaN(y)];
    if (lost || other) return lost - other || a - b;
    const order = typeof x === "string" ? collator.compare(x, y) : x - y;
    return order * direction || a - b;
  });
}

export class Table {
  constructor(root, app) {
    this.root = root;
    this.app = app;
    root.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) return this.sortBy(Number(button.dataset.column));
      const row = event.target.closest("tr[data-unit]");
      return row && app.select([Number(row.dataset.unit)], event.shiftKey);
    });
  }

  sortBy(column) {
    const { sort } = this.app.state;
    const way = sort[0] === column ? -sort[1] : column < 2 ? 1 : -1;
    this.app.state.sort = [column, way];
    this.draw();
    this.root.querySelector(`[data-column="${column}"]`).focus();
  }

  /** Rows in the order shown. */
  rows() {
    const { study, state } = this.app;
    const found = measure(study, state.variable, state.time);
    const [column, direction] = state.sort;
    const selected = state.selected.size > 0;
    const units = selected ? [...state.selected].filter((i) => i < study.n) : [...Array(study.n).keys()];
    const { by } = columnsOf(this.app, found)[column];
    return { found, units: sorted(units.filter((i) => selected || !Number.isNaN(found.x[i])), by, direction) };
  }

  draw() {
    const { app, root } = this;
    const { state, study } = app;
    const { found, units } = this.rows();
    const columns = columnsOf(app, found);
    const [sortedBy, direction] = state.sort;
    const heads = columns.map(({ head, text }, k) => {
      const order = k !== sortedBy ? "none" : direction > 0 ? "ascending" : "descending";
      const button = `<button type="button" data-column="${k}">${escaped(head)}</button>`;
      return `<th scope="col"${text ? "" : ' class="n"'} aria-sort="${order}">${button}</th>`;
    });
    const decimals = columnDecimals(found.shown);
    const body = units.slice(0, MOST).map((i) => this.row(i, found, decimals));
    const caption = `<caption class="sr">${escaped(app.title())}</caption>`;
    root.innerHTML = `${caption}<thead><tr>${heads.join("")}</tr></thead><tbody>${body.join("")}</tbody>`;
    this.shown = units;
    const notes = state.selected.size ? [] : [say("how")];
    if (units.length > MOST) notes.push(say("first_rows", { n: MOST }));
    app.note("#rows-note", notes.join(" · "));
    const total = found.quadrants.filter((code) => code !== MISSING).length;
    const chosen = { n: count(state.selected.size), total: count(study.units) };
    app.note("#count", state.selected.size ? say("selected_of", chosen) : say("all_units", { n: count(total || units.length) }));
  }

  row(i, found, decimals) {
    const { app } = this;
    const { study, state } = app;
    const code = clusterOf(found, i, state.alpha, state.fdr);
    const numbers = [grouped(found.shown[i], decimals), fixed(found.z[i]), code === ISLAND ? "–" : fixed(found.lag[i])];
    const tests = [app.p(found.p[i]), app.p(found.fdr[i]), count(study.links.count[i])];
    const cell = (text) => `<td class="n">${text}</td>`;
    return (
      `<tr data-unit="${i}"><th scope="row">${escaped(app.name(i))}</th><td>${escaped(study.ids[i])}</td>${numbers.map(cell).join("")}` +
      `<td><i class="swatch k-${CODES[code]}"></i>${say(CODES[code])}</td>${tests.map(cell).join("")}</tr>`
    );
  }

  /** What is shown as CSV, in full precision; the mark at the start lets Excel read Chinese. */
  csv() {
    const { app } = this;
    const { study, state } = app;
    const { found, units } = this.rows();
    const variable = app.variable;
    const timed = study.times.length > 1;
    const head = ["id", "name", ...(timed ? [study.time_name] : []), variable.key, ...(variable.log ? [`exp(${variable.key})`] : [])];
    head.push("z", "lag", "quadrant", "cluster", "p_sim", "p_fdr", "neighbours");
    const code = (k) => (k === MISSING ? "" : CODES[k].replace("-", " "));
    const lines = units.map((i) => {
      const values = [found.x[i], ...(variable.log ? [found.shown[i]] : []), found.z[i], found.lag[i]];
      const quadrant = found.quadrants[i] < 4 ? CODES[found.quadrants[i]] : "";
      const texts = [quadrant, code(clusterOf(found, i, state.alpha, state.fdr))];
      const named = [study.ids[i], app.name(i), ...(timed ? [study.times[state.time]] : [])];
      return [...named, ...values, ...texts, found.p[i], found.fdr[i], study.links.count[i]].map(csvCell).join(",");
    });
    return `\ufeff${[head.map(csvCell).join(","), ...lines].join("\r\n")}\r\n`;
  }

  download() {
    const { study, state, variable } = this.app;
    const time = study.times.length > 1 ? `_${study.times[state.time]}` : "";
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([this.csv()], { type: "text/csv" }));
    link.download = `${variable.key}${time}.csv`.replace(/[\\/:*?"<>|]/g, "_");
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
}
