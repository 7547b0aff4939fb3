import assert from "node:assert/strict";
import { test } from "node:test";

const parts = new URL("../../../spatial/report/static/", import.meta.url);
const load = (name) => import(new URL(`${name}.js`, parts));
const { columnDecimals, csvCell, fixed, grouped, level, logTicks, pValue, significant, tick, ticks } = await load("numbers");
const { array, lines, places, rings, varints } = await load("decode");
const { either, fill, say, useWords } = await load("words");
const { escaped, sorted } = await load("table");
const { runs } = await load("time");

test("numbers have a true minus, commas and no minus before zero", () => {
  assert.equal(fixed(-0.25, 2), "−0.25");
  assert.equal(fixed(-0.0001, 2), "0.00");
  assert.equal(fixed(NaN), "–");
  assert.equal(significant(1234.5), "1,235");
  assert.equal(significant(0.012345), "0.0123");
  assert.equal(significant(2004), "2,004");
  assert.equal(grouped(-1234.567, 1), "−1,234.6");
  assert.equal(tick(-0.5), "−0.5");
});

test("p-values have the digits that permutations allow", () => {
  assert.equal(pValue(0.002, 0.002), "0.002");
  assert.equal(pValue(0.0316, 0.0002), "0.0316");
  assert.equal(pValue(NaN, 0.002), "–");
  assert.deepEqual([0.1, 0.05, 0.001, 0.025].map(level), ["0.10", "0.05", "0.001", "0.025"]);
});

test("ticks are round and inside", () => {
  assert.deepEqual(ticks(-0.13, 0.42, 6), [-0.1, 0, 0.1, 0.2, 0.3, 0.4]);
  assert.deepEqual(ticks(1, 1), [1]);
  assert.deepEqual(logTicks(2, 100, 6), [2, 5, 10, 20, 50, 100]);
  assert.deepEqual(columnDecimals([123.4, 5]), 1);
  assert.deepEqual(columnDecimals([3, 5]), 0);
  assert.deepEqual([1.5e-9, -2e13].map((x) => grouped(x, columnDecimals([x]))), ["1.50e-9", "−2.00e+13"]);
});

test("no cell of the file can run in a spreadsheet", () => {
  assert.deepEqual(["=1+1", "@x", "+x", "-x", "\tx", "a,b", 'say "x"', "plain"].map(csvCell), ["'=1+1", "'@x", "'+x", "'-x", "'\tx", '"a,b"', '"say ""x"""', "plain"]);
  assert.equal(csvCell(-4), "-4");
  assert.equal(csvCell(NaN), "");
});

test("no text of the data can be markup", () => {
  assert.equal(escaped(`<img src=x onerror="a('b')">&`), "&lt;img src=x onerror=&quot;a(&#39;b&#39;)&quot;&gt;&amp;");
});

test("words are filled in and missing ones are an error", () => {
  useWords({ en: { a: "{n} of {m}" }, zh: { a: "{m} 中的 {n}" } }, "zh");
  assert.equal(say("a", { n: 1, m: 2 }), "2 中的 1");
  assert.equal(either(["x", "y"]), "y");
  assert.equal(fill("{n} {other}", { n: 1 }), "1 {other}");
  assert.throws(() => say("b"), /no words for b/);
});

test("whole numbers, places, lines and rings come back", () => {
  assert.deepEqual([...varints(btoa(String.fromCharCode(0, 1, 2, 128, 1)))], [0, -1, 1, 64]);
  assert.deepEqual([...places([1, 2, 1, 1])], [1, 2, 2, 3]);
  const text = (...values) => btoa(String.fromCharCode(...values));
  const found = lines([text(4, 2), text(2, 2, 2, 2, 2, 2)]);
  assert.deepEqual(found.map((line) => [...line]), [[1, 1, 2, 2], [3, 3]]);
  assert.equal(rings([text(4), text(4, 2), text(2, 2, 2, 2, 2, 2)])[0].length, 2);
  assert.deepEqual([...array(["u2", "AQA="])], [1]);
});

test("what has no value comes last in either order", () => {
  const values = [2, NaN, 1];
  assert.deepEqual(sorted([0, 1, 2], (i) => values[i], 1), [2, 0, 1]);
  assert.deepEqual(sorted([0, 1, 2], (i) => values[i], -1), [0, 2, 1]);
  const names = ["b10", "b9"];
  assert.deepEqual(sorted([0, 1], (i) => names[i], 1), [1, 0]);
});

test("a gap in time is no line", () => {
  assert.deepEqual(runs([0, 1, 3, 4]), [[0, 1], [3, 4]]);
});
