// Names beside dots: which dots have one, and where it stands without covering another.

/** The units farthest out in each quadrant, at most `most` of each, of those that are wanted. */
export function farthest(found, wanted, most = 4) {
  const quadrants = new Map();
  for (const i of wanted) {
    const code = found.quadrants[i];
    if (!quadrants.has(code)) quadrants.set(code, []);
    quadrants.get(code).push([found.z[i] ** 2 + found.lag[i] ** 2, i]);
  }
  return [...quadrants.values()].flatMap((units) => units.sort((a, b) => b[0] - a[0] || a[1] - b[1]).slice(0, most).map(([, i]) => i));
}

/** About how wide a text is: Chinese characters are as wide as the type is high. Nothing is measured in a step. */
export function roughWidth(text, size) {
  let wide = 0;
  for (const character of text) wide += character > "\u2e7f" ? 1 : /[mwMW]/.test(character) ? 0.85 : /[ilj.,'’ ]/.test(character) ? 0.3 : 0.58;
  return wide * size;
}

const meets = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

/**
 * Places for texts round their dots, inside the frame and clear of `taken` and of each other; what finds none is left out.
 * Where there is one, a place that covers none of the `marks` is taken.
 */
export function place(dots, frame, taken, size, marks = []) {
  const boxes = [...taken];
  const found = [];
  for (const { x, y, text } of dots) {
    const wide = roughWidth(text, size);
    const high = size / 2 + 1;
    const near = [[6, 0], [-6 - wide, 0], [-wide / 2, -size], [-wide / 2, size], [5, -size * 0.8], [5, size * 0.8], [-5 - wide, -size * 0.8], [-5 - wide, size * 0.8]];
    const free = near
      .map(([dx, dy]) => [x + dx, y + dy - high, x + dx + wide, y + dy + high])
      .filter((box) => box[0] >= frame.left && box[2] <= frame.left + frame.width && box[1] >= frame.top && box[3] <= frame.top + frame.height)
      .filter((box) => !boxes.some((other) => meets(box, other)));
    const box = free.find((one) => !marks.some((mark) => meets(one, mark))) ?? free[0];
    if (!box) continue;
    boxes.push(box);
    found.push({ left: box[0], middle: box[1] + high, text });
  }
  return found;
}

/** Write a text with a halo of paper. */
export function write(context, colours, ink, text, x, y, align = "left") {
  context.textAlign = align;
  context.lineWidth = 3;
  context.strokeStyle = colours.paper;
  context.strokeText(text, x, y);
  context.fillStyle = colours[ink];
  context.fillText(text, x, y);
}
