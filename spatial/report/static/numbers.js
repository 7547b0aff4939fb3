// Numbers as a reader wants them: a true minus, thousands with commas, and ticks at round places.

const DASH = "–";
const minus = (text) => text.replace(/^-/, "−");
const known = (x) => x !== null && x !== undefined && Number.isFinite(x);

/** A number of decimals: 0.271, −1.500. */
export function fixed(x, decimals = 3) {
  if (!known(x)) return DASH;
  const text = x.toFixed(decimals);
  return minus(Number(text) === 0 ? text.replace("-", "") : text);
}

/** Three significant figures, thousands with commas; whole numbers keep all of theirs. */
export function significant(x, figures = 3) {
  if (!known(x)) return DASH;
  const size = Math.abs(x);
  if (size !== 0 && (size < 1e-4 || size >= 1e12)) return minus(x.toExponential(figures - 1));
  const decimals = size === 0 ? 0 : Math.max(0, figures - 1 - Math.floor(Math.log10(size)));
  if (size === 0 || (Number.isInteger(x) && size < 1e9)) return minus(x.toLocaleString("en", { maximumFractionDigits: 0 }));
  return minus(x.toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals }));
}

/** Decimals with which values of this size, down a column, all have three figures; -1 where they would need an exponent. */
export function columnDecimals(values) {
  let largest = 0;
  let whole = true;
  for (const x of values) {
    if (!known(x)) continue;
    largest = Math.max(largest, Math.abs(x));
    whole = whole && Number.isInteger(x);
  }
  if (largest !== 0 && (largest < 1e-4 || largest >= 1e12)) return -1;
  if (whole) return 0;
  return Math.min(6, Math.max(0, 3 - Math.floor(Math.log10(largest || 1))));
}

export function grouped(x, decimals) {
  if (!known(x)) return DASH;
  if (decimals < 0) return significant(x);
  const text = x.toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  return minus(/[1-9]/.test(text) ? text : text.replace("-", ""));
}

export const count = (n) => n.toLocaleString("en");

/** A p-value with the digits that the permutations allow: 0.002, never "0.000". */
export function pValue(p, least) {
  if (!known(p)) return DASH;
  const decimals = least > 0 ? Math.min(6, Math.max(3, Math.ceil(-Math.log10(least)))) : 3;
  return p.toFixed(decimals);
}

/** A level: 0.05, 0.10, 0.001. */
export const level = (alpha) => (alpha.toFixed(2) === String(alpha) || alpha >= 0.1 ? alpha.toFixed(2) : String(alpha));

export function tick(x) {
  const size = Math.abs(x);
  if (size !== 0 && (size < 1e-4 || size >= 1e9)) return minus(x.toExponential(0));
  return minus(x.toLocaleString("en", { maximumFractionDigits: 6 }));
}

/** Round places from low to high, about `wanted` of them. */
export function ticks(low, high, wanted = 5) {
  const span = high - low;
  if (!(span > 0)) return [low];
  const rough = span / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((k) => k * power).find((s) => s >= rough * 0.999);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * span; k++) found.push(Number((k * step).toPrecision(12)));
  return found;
}

/** Round places on a log axis: 1, 2, 5, 10, ... thinned to about `wanted`. */
export function logTicks(low, high, wanted = 6) {
  if (!(low > 0) || !(high > low)) return [low];
  const found = [];
  for (let k = Math.floor(Math.log10(low)); k <= Math.ceil(Math.log10(high)); k++) {
    for (const digit of [1, 2, 5]) {
      const x = Number(`${digit}e${k}`);
      if (x >= low * (1 - 1e-9) && x <= high * (1 + 1e-9)) found.push(x);
    }
  }
  if (found.length < 2) return ticks(low, high, wanted).filter((x) => x > 0);
  const every = Math.ceil(found.length / wanted);
  return found.filter((_, k) => k % every === 0);
}

/** A cell of CSV; text that a spreadsheet would run as a formula is quoted away. */
export function csvCell(value) {
  if (typeof value === "number") return Number.isNaN(value) ? "" : String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}
