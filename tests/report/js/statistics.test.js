// Run by `node --test tests/report/js`: no package is needed.
import assert from "node:assert/strict";
import { test } from "node:test";

const parts = new URL("../../../spatial/report/static/", import.meta.url);
const load = (name) => import(new URL(`${name}.js`, parts));
const { adjusted, binEdges, binsOf, classOf, clusterOf, exactSum, lags, nearestTowards, passed, quadrantsOf, slope, standardised } = await load("statistics");
const close = (a, b, within = 1e-12) => assert.ok(Math.abs(a - b) <= within, `${a} is not ${b}`);

test("sums keep what rounding leaves out", () => {
  assert.equal(exactSum([1e16, 1, -1e16, 1]), 2);
});

test("standardised values have mean 0 and population variance 1, whatever their size", () => {
  for (const shift of [0, 1e9]) {
    const { n, mean, sd, z } = standardised(Float64Array.from([1, 2, NaN, 3, 4], (x) => x + shift));
    assert.equal(n, 4);
    close(mean, 2.5 + shift, 1e-6);
    close(sd, Math.sqrt(1.25), 1e-7);
    assert.ok(Number.isNaN(z[2]));
    close(z[0], -1.5 / Math.sqrt(1.25), 1e-7);
  }
  const [short, long] = [Float32Array, Float64Array].map((kind) => standardised(kind.from([1, 2, 4])).z);
  assert.deepEqual(short, long);
  const large = standardised([3e200, 1e200]).z;
  close(large[0], 1);
  close(large[1], -1);
});

test("lags are means of the neighbours that have a value, sums with weights, 0 without neighbours", () => {
  const links = { indptr: [0, 2, 3, 4, 4], indices: [1, 2, 0, 1], weight: null };
  const z = [1, NaN, 3, 4];
  const found = lags(z, links);
  assert.equal(found[0], 3);
  assert.ok(Number.isNaN(found[1]));
  assert.equal(found[2], 0);
  assert.equal(found[3], 0);
  assert.equal(lags([1, 2, 3, 4], { ...links, weight: [0.5, 1, 1, 1] })[0], 2.5);
});

test("Benjamini and Hochberg's own example is adjusted as R's p.adjust does", () => {
  // Benjamini and Hochberg (1995), section 3.1: fifteen p-values; four are rejected at 0.05.
  const p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528, 0.759, 1];
  const found = adjusted(p);
  assert.equal(found.filter((q) => q <= 0.05).length, 4);
  close(found[3], 0.035625);
  close(found[4], 0.0603);
  assert.deepEqual([...adjusted([0.5, NaN, 0.01, 0.5])].map((q) => (Number.isNaN(q) ? null : q)), [0.5, null, 0.03, 0.5]);
});

test("quadrants go by the signs of z and lag; without p there are no neighbours", () => {
  const found = quadrantsOf([1, 1, -1, -1, 0, NaN, 1], [1, -1, 1, -1, 0, 1, 0], [0, 0, 0, 0, 0, NaN, NaN]);
  assert.deepEqual([...found], [0, 3, 2, 1, 1, 6, 5]);
});

test("a p-value at the level is within it", () => {
  const found = { quadrants: [0, 0, 5], p: [0.05, 0.0500001, NaN], fdr: [0.2, 0.01, NaN] };
  assert.deepEqual([0, 1, 2].map((i) => clusterOf(found, i, 0.05, false)), [0, 4, 5]);
  assert.deepEqual([0, 1, 2].map((i) => clusterOf(found, i, 0.05, true)), [4, 0, 5]);
  assert.equal(passed(0.01, [0.1, 0.05, 0.01]), 3);
  assert.equal(passed(0.2, [0.1, 0.05, 0.01]), 0);
});

test("classes hold their upper end", () => {
  assert.deepEqual([0, 1, 1.5, 2, 9].map((x) => classOf(x, [1, 2, 3])), [0, 0, 1, 1, 2]);
});

test("the slope is that of least squares and passes through the means", () => {
  const found = slope([0, 1, 2, NaN], [1, 2, 6, 7], [0, 1, 2, 3]);
  assert.equal(found.n, 3);
  close(found.slope, 2.5);
  close(found.mx, 1);
  close(found.my, 3);
  assert.ok(Number.isNaN(slope([1, 1], [2, 3], [0, 1]).slope));
});

test("every value has a bin, the largest the last", () => {
  const variable = { values: Float64Array.from([0, 5, 10, NaN, 2.5]) };
  const edges = binEdges(variable);
  const bins = binsOf(variable.values, edges);
  assert.equal(bins[0], 0);
  assert.equal(bins[2], edges.length - 2);
  assert.equal(bins[3], -1);
});

test("arrows lead to the nearest unit in their direction", () => {
  const centres = [0, 0, 10, 1, 4, 9, -5, 0];
  assert.equal(nearestTowards(centres, 0, 1, 0), 1);
  assert.equal(nearestTowards(centres, 0, -1, 0), 3);
  assert.equal(nearestTowards(centres, 0, 0, -1), -1);
});
