// From the text in the file to typed arrays: numbers in base64, and coordinates as steps in seven bits a byte.

const KINDS = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, i4: Int32Array, f4: Float32Array, f8: Float64Array };

function bytes(text) {
  const raw = atob(text);
  const out = new Uint8Array(raw.length);
  for (let k = 0; k < raw.length; k++) out[k] = raw.charCodeAt(k);
  return out;
}

/** An array from (type, base64); the file is little-endian, as every browser's machine is. */
export const array = ([kind, text]) => new KINDS[kind](bytes(text).buffer);

/** Whole numbers from seven bits a byte; signs alternate. */
export function varints(text) {
  const raw = bytes(text);
  let length = 0;
  for (const byte of raw) if (byte < 128) length++;
  const out = new Int32Array(length);
  let at = 0;
  for (let k = 0; k < length; k++) {
    let value = 0;
    let scale = 1;
    let byte;
    do {
      byte = raw[at++];
      value += (byte & 127) * scale;
      scale *= 128;
    } while (byte > 127);
    out[k] = value % 2 ? -(value + 1) / 2 : value / 2;
  }
  return out;
}

/** Pairs x, y from their steps. */
export function places(steps) {
  for (let k = 2; k < steps.length; k++) steps[k] += steps[k - 2];
  return steps;
}

/** Lines, each an array x, y, x, y, ... */
export function lines([sizes, steps]) {
  const xy = places(varints(steps));
  let at = 0;
  return Array.from(varints(sizes), (size) => xy.subarray(at, (at += 2 * size)));
}

/** The rings of each unit. */
export function rings([of, sizes, steps]) {
  const every = lines([sizes, steps]);
  let at = 0;
  return Array.from(varints(of), (many) => every.slice(at, (at += many)));
}

/** Boxes x0, y0, x1, y1 round the rings of each unit; of a point, the point. */
function boxes(shapes, centres) {
  const out = new Float32Array(4 * shapes.length);
  shapes.forEach((list, u) => {
    let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
    for (const ring of list) {
      for (let k = 0; k < ring.length; k += 2) {
        if (ring[k] < x0) x0 = ring[k];
        if (ring[k] > x1) x1 = ring[k];
        if (ring[k + 1] < y0) y0 = ring[k + 1];
        if (ring[k + 1] > y1) y1 = ring[k + 1];
      }
    }
    if (!list.length) [x0, y0, x1, y1] = [centres[2 * u], centres[2 * u + 1], centres[2 * u], centres[2 * u + 1]];
    out.set([x0, y0, x1, y1], 4 * u);
  });
  return out;
}

function decodeMap(map, units) {
  if (!map) return null;
  const centres = places(varints(map.centres));
  const shapes = map.rings ? rings(map.rings) : Array.from({ length: units }, () => []);
  return {
    points: !map.rings,
    width: map.size[0],
    height: map.size[1],
    centres,
    shapes,
    boxes: boxes(shapes, centres),
    borders: (map.borders ?? []).map(lines),
    frames: map.frames,
  };
}

function decodeVariable(raw) {
  const missing = (counts) => (counts.BYTES_PER_ELEMENT === 2 ? 65535 : 4294967295);
  const counts = array(raw.counts);
  return { ...raw, values: array(raw.values), counts, missing: missing(counts), lag: raw.lag ? array(raw.lag) : null };
}

/** The study of a page: what is in the file, with arrays for texts. */
export function decodeStudy(raw) {
  const units = raw.ids.length;
  const links = raw.links;
  return {
    ...raw,
    units, // of the map
    variables: raw.variables.map(decodeVariable),
    map: decodeMap(raw.map, units),
    links: {
      ...links,
      indptr: array(links.indptr),
      indices: array(links.indices),
      count: array(links.count),
      weight: links.weight ? array(links.weight) : null,
    },
  };
}
