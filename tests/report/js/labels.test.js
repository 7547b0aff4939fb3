// Names beside dots: the farthest of each quadrant, apart from each other and inside the frame.
import assert from "node:assert/strict";
import { test } from "node:test";
import { farthest, place, roughWidth } from "../../../spatial/report/static/labels.js";

const frame = { left: 0, top: 0, width: 300, height: 200 };

test("the farthest units of each quadrant are named, at most four", () => {
  const z = Float64Array.from([1, 2, 3, 4, 5, -1]);
  const found = { z, lag: z.map((value) => value / 2), quadrants: Int8Array.from([0, 0, 0, 0, 0, 1]) };
  assert.deepEqual(farthest(found, [0, 1, 2, 3, 4, 5]), [4, 3, 2, 1, 5]);
  assert.deepEqual(farthest(found, [0, 1], 1), [1]);
  assert.deepEqual(farthest(found, []), []);
});

test("names stand apart, inside the frame, and off other dots where they can", () => {
  const dots = [{ x: 100, y: 100, text: "Buncombe" }, { x: 104, y: 100, text: "Haywood" }, { x: 298, y: 5, text: "Wake" }];
  const placed = place(dots, frame, [], 11, [[106, 96, 114, 104]]);
  assert.equal(placed.length, 3);
  const boxes = placed.map(({ left, middle, text }) => [left, middle - 6.5, left + roughWidth(text, 11), middle + 6.5]);
  boxes.forEach((a, i) => {
    assert.ok(a[0] >= 0 && a[2] <= 300 && a[1] >= 0 && a[3] <= 200);
    boxes.slice(i + 1).forEach((b) => assert.ok(a[2] <= b[0] || b[2] <= a[0] || a[3] <= b[1] || b[3] <= a[1]));
  });
  assert.ok(boxes[0][2] <= 100, "right of the first dot stands another dot");
});

test("what finds no place is left out; Chinese characters are as wide as high", () => {
  assert.deepEqual(place([{ x: 5, y: 5, text: "a name longer than its frame" }], { left: 0, top: 0, width: 20, height: 20 }, [], 11), []);
  assert.equal(roughWidth("北京", 11), 22);
  assert.ok(roughWidth("ill", 11) < roughWidth("www", 11));
});
