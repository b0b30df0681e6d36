// Scales, their ticks, and labels that keep apart.
function makeScale(logarithmic, from, to, start, end) {
  const f = logarithmic ? Math.log : (x) => x;
  const [low, high] = [f(from), f(to)];
  return (x) => start + ((f(x) - low) / (high - low || 1)) * (end - start);
}

// Round numbers in [from, to]: decades (and 2, 5 where there are few) or steps of 1, 2, 5 · 10ⁿ.
function ticks(logarithmic, from, to, most = 6) {
  if (!logarithmic) {
    const rough = (to - from) / most;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough);
    return Array.from({ length: Math.floor(to / step) - Math.ceil(from / step) + 1 }, (_, i) => (Math.ceil(from / step) + i) * step);
  }
  const factors = to / from > 300 ? [1] : [1, 2, 5];
  const found = [];
  for (let power = Math.floor(Math.log10(from)); power <= Math.log10(to); power++)
    for (const factor of factors) found.push(factor * 10 ** power);
  return found.filter((x) => x >= from * 0.999 && x <= to * 1.001);
}

// The first, the last and those between that are at least `gap` apart on the axis.
function apart(values, place, gap) {
  const last = values[values.length - 1];
  const kept = [values[0]];
  for (const value of values.slice(1, -1))
    if (place(value) - place(kept[kept.length - 1]) >= gap && place(last) - place(value) >= gap) kept.push(value);
  return values.length > 1 ? [...kept, last] : kept;
}

// Positions as near to `wanted` as possible and at least `gap` apart (isotonic regression, as in reports/labels.py).
function spread(wanted, gap, low, high) {
  const order = wanted.map((_, i) => i).sort((i, j) => wanted[i] - wanted[j]);
  const pools = [];
  order.forEach((i, rank) => {
    pools.push({ sum: wanted[i] - rank * gap, size: 1 });
    while (pools.length > 1) {
      const [left, right] = pools.slice(-2);
      if (left.sum / left.size <= right.sum / right.size) break;
      pools.splice(-2, 2, { sum: left.sum + right.sum, size: left.size + right.size });
    }
  });
  const levels = pools.flatMap((pool) => Array(pool.size).fill(pool.sum / pool.size));
  const ceiling = Math.max(low, high - (wanted.length - 1) * gap);
  const placed = [];
  order.forEach((i, rank) => (placed[i] = Math.min(Math.max(levels[rank], low), ceiling) + rank * gap));
  return placed;
}

// The room that the longest of these names needs at the right of a plot, in pixels.
function roomFor(names) {
  const context = document.createElement("canvas").getContext("2d");
  context.font = `600 12px ${getComputedStyle(document.body).fontFamily}`;
  return 12 + Math.max(40, ...names.map((name) => context.measureText(name).width));
}

const MARKERS = {
  o: "M-3.5,0a3.5,3.5 0 1,0 7,0a3.5,3.5 0 1,0 -7,0z",
  s: "M-3.2,-3.2h6.4v6.4h-6.4z",
  "^": "M0,-4.2L4,3.2H-4z",
  D: "M0,-4.3L4.3,0L0,4.3L-4.3,0z",
  v: "M0,4.2L4,-3.2H-4z",
  P: "M-1.4,-4h2.8v2.6h2.6v2.8h-2.6v2.6h-2.8v-2.6h-2.6v-2.8h2.6z",
  X: "M-4,-2.4L-2.4,-4L0,-1.6L2.4,-4L4,-2.4L1.6,0L4,2.4L2.4,4L0,1.6L-2.4,4L-4,2.4L-1.6,0z",
  "<": "M-4.2,0L3.2,-4V4z",
  ">": "M4.2,0L-3.2,-4V4z",
  p: "M0,-4.2L4,-1.3L2.5,3.4H-2.5L-4,-1.3z",
  _: "M-4,-1h8v2h-8z",
};

function svg(name, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}
