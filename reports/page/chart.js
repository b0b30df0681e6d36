// Time per call against batch, drawn from the page's own data; the controls of all sections share one state.
const data = JSON.parse(document.getElementById("chart-data").textContent);
const state = { show: "time", scale: "log", hidden: new Set(), ...data.start };
const listeners = [];

function panel() {
  return data.panels[`${state.setting}|${state.problem}|${state.pass}`] || { batches: [], points: [], pairs: [], crossings: [] };
}

// What the chosen pass is called, and what one call of it gives.
const passOf = () => data.passes[state.pass] || { title: state.pass, unit: state.pass };

function update(change) {
  Object.assign(state, change);
  const batches = panel().batches;
  if (batches.length && !batches.includes(Number(state.batch))) state.batch = batches[0];
  for (const select of document.querySelectorAll("select[data-choice]")) {
    const name = select.dataset.choice;
    if (name === "batch") for (const option of select.options) option.hidden = option.disabled = !batches.includes(Number(option.value));
    select.value = String(state[name]);
  }
  const link = document.querySelector("#times figure a.data");
  link.dataset.table = panel().table;
  link.hidden = !document.querySelector(`table#${panel().table}`);
  link.download = `${state.problem}-${state.pass.replace(":", "-")}.csv`;
  for (const listener of listeners) listener();
}

// The ratio of i's time to j's at a batch: [ratio, low, high, verdict], or null where it was not measured.
function ratioOf(panel, at, i, j) {
  if (i === j) return panel.points[at][i] ? [1, 1, 1, ""] : null;
  const [a, b, n] = [Math.min(i, j), Math.max(i, j), data.series.length];
  const place = 4 * (a * n - (a * (a + 1)) / 2 + b - a - 1); // the pairs of n names in turn: (0,1), (0,2), …, (1,2), …
  const found = panel.pairs?.[at].slice(place, place + 4);
  if (!found || found[0] === null) return null;
  const [ratio, low, high, word] = [...found.slice(0, 3), data.words[found[3]]];
  if (i < j) return [ratio, low, high, word];
  return [1 / ratio, high && 1 / high, low && 1 / low, { faster: "slower", slower: "faster" }[word] || word];
}

function reference() {
  return data.series.findIndex((series) => series.name === state.show);
}

// For each visible series its points [batch, value, low, high].
function visibleLines() {
  const { batches, points } = panel();
  const base = state.show === "time" ? -1 : reference();
  return data.series
    .map((series, i) => ({ series, i, points: batches.map((batch, at) => [batch, ...valueAt(panel(), at, i, base)]).filter((p) => p[1] !== null) }))
    .filter((line) => line.points.length && !state.hidden.has(line.i));
}

function valueAt(panel, at, i, base) {
  const point = panel.points[at][i];
  if (!point) return [null, null, null];
  if (base < 0) return point;
  const ratio = ratioOf(panel, at, i, base);
  return ratio ? [ratio[0], ratio[1] ?? ratio[0], ratio[2] ?? ratio[0]] : [null, null, null];
}

function sentence(series, [batch, value, low, high]) {
  const relative = state.show !== "time";
  const middle = relative ? `${significant(value)} times the time of ${state.show}` : time(value);
  const range = low === high ? "" : relative ? ` (interval ${interval(low, high)})` : ` (10th to 90th percentile ${time(low)} to ${time(high)})`;
  return `${series.name}, batch ${count(batch)}: ${middle}${range}`;
}

// The chart in words: every visible implementation at the smallest and the largest batch.
function describe(lines) {
  const here = [`${state.problem} ${passOf().title}`, document.getElementById("chart-setting").selectedOptions[0].text].join(", ");
  const batches = [...new Set(lines.flatMap(({ points }) => points.map(([batch]) => batch)))].sort((a, b) => a - b);
  const ends = [...new Set([batches[0], batches.at(-1)])].map((batch) => {
    const found = lines.flatMap(({ series, points }) => points.filter((p) => p[0] === batch).map((p) => [series.name, p[1]]));
    const value = state.show === "time" ? time : (ratio) => `${significant(ratio)}×`;
    const each = found.sort((a, b) => a[1] - b[1]).map(([name, y]) => `${name} ${value(y)}`);
    if (each.length > 8) each.splice(3, each.length - 4, `… (${each.length - 4} between)`);
    return `at batch ${count(batch)} ${each.join(", ")}`;
  });
  const what = state.show === "time" ? "medians" : `times relative to ${state.show}`;
  document.getElementById("chart-caption").textContent = lines.length ? `${here}; ${what}: ${ends.join("; ")}.` : "";
}

function drawChart() {
  const holder = document.getElementById("chart");
  const lines = visibleLines();
  describe(lines);
  const width = Math.max(280, holder.clientWidth);
  const narrow = width < 520;
  const labelWidth = narrow ? 110 : roomFor(lines.map(({ series }) => series.label));
  const height = Math.max(narrow ? 320 : 400, 60 + 20 * lines.length);
  const box = { left: 70, right: width - labelWidth - 14, top: 12, bottom: height - 42 };
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" });
  holder.replaceChildren(root);
  const all = lines.flatMap(({ points }) => points);
  if (!all.length) {
    root.append(svg("text", { x: width / 2, y: height / 2, "text-anchor": "middle" }, "Nothing was measured here, or all is hidden."));
    return;
  }
  const logarithmic = state.scale === "log";
  const batches = [...new Set(all.map(([batch]) => batch))].sort((a, b) => a - b);
  const [xLow, xHigh] = [batches[0], batches[batches.length - 1]];
  const x = xLow === xHigh ? () => (box.left + box.right) / 2 : makeScale(logarithmic, xLow, xHigh, box.left + 12, box.right - 6);
  const highest = Math.max(...all.map((p) => p[3]));
  const lowest = Math.min(...all.map((p) => p[2]));
  const [yLow, yHigh] = logarithmic ? [lowest / 1.25, highest * 1.25] : [0, highest * 1.05];
  const y = makeScale(logarithmic, yLow, yHigh, box.bottom, box.top);
  drawAxes(root, box, x, y, batches, [yLow, yHigh], logarithmic);
  for (const line of lines.filter(({ series }) => series.floor && state.show === "time")) {
    const edge = line.points.map(([batch, value]) => `${x(batch)},${y(value)}`);
    root.append(svg("polygon", { class: "below", points: [`${x(line.points[0][0])},${box.bottom}`, ...edge, `${x(line.points.at(-1)[0])},${box.bottom}`].join(" ") }));
  }
  for (const line of lines) drawLine(root, line, x, y);
  drawCrossings(root, x, y);
  drawLabels(root, lines, x, y, box, narrow);
  followPointer(root, lines, x, y);
}

function drawAxes(root, box, x, y, batches, [yLow, yHigh], logarithmic) {
  const relative = state.show !== "time";
  for (const batch of apart(batches, x, 52)) {
    root.append(svg("line", { class: "grid", x1: x(batch), x2: x(batch), y1: box.top, y2: box.bottom }));
    root.append(svg("text", { x: x(batch), y: box.bottom + 16, "text-anchor": "middle" }, count(batch)));
  }
  for (const value of ticks(logarithmic, yLow, yHigh)) {
    root.append(svg("line", { class: "grid", x1: box.left, x2: box.right, y1: y(value), y2: y(value) }));
    const name = relative ? String(Number(value.toPrecision(3))) + "×" : time(value, logarithmic ? 1 : 2);
    root.append(svg("text", { x: box.left - 6, y: y(value) + 4, "text-anchor": "end" }, name));
  }
  root.append(svg("line", { class: "axis", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom }));
  root.append(svg("line", { class: "axis", x1: box.left, x2: box.left, y1: box.top, y2: box.bottom }));
  if (relative && yLow < 1 && yHigh > 1) root.append(svg("line", { class: "one", x1: box.left, x2: box.right, y1: y(1), y2: y(1) }));
  root.append(svg("text", { x: (box.left + box.right) / 2, y: box.bottom + 36, "text-anchor": "middle" }, "batch (rows per call)"));
  const name = relative ? `time relative to ${state.show}` : `time per ${passOf().unit}`;
  root.append(svg("text", { transform: `translate(11,${(box.top + box.bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, name));
}

function drawCrossings(root, x, y) {
  const { batches, points, crossings } = panel();
  const base = state.show === "time" ? -1 : reference();
  const leading = leaders();
  for (const [i, j, low, high, near] of crossings) {
    if (state.hidden.has(i) || state.hidden.has(j) || (base >= 0 && i !== base && j !== base)) continue;
    if (leading && !(leading.has(i) && leading.has(j))) continue;
    const value = base >= 0 ? 1 : between(batches, points.map((point) => point[i]?.[0]), near);
    if (!value) continue;
    const ring = svg("circle", { class: "crossing", cx: x(near), cy: y(value), r: 4 });
    ring.append(svg("title", {}, `${data.series[j].name} overtakes ${data.series[i].name} between batch ${count(low)} and ${count(high)}`));
    root.append(ring);
  }
}

// Of many lines, those that are the fastest at some batch: only where they cross has a ring. Of few, all have.
function leaders() {
  const visible = data.series.map((series, i) => i).filter((i) => !state.hidden.has(i) && !data.series[i].floor);
  if (visible.length <= 8) return null;
  const fastest = (point) => visible.filter((i) => point[i]).sort((i, j) => point[i][0] - point[j][0])[0];
  return new Set(panel().points.map(fastest));
}

// The value at a batch between two measured ones, on the straight line of the log-log plot.
function between(batches, values, at) {
  for (let k = 1; k < batches.length; k++)
    if (at <= batches[k] && values[k - 1] && values[k]) {
      const share = Math.log(at / batches[k - 1]) / Math.log(batches[k] / batches[k - 1]);
      return values[k - 1] * (values[k] / values[k - 1]) ** share;
    }
  return null;
}

// The nearest point is read out and its line is drawn before the others.
let stepped = [0, 0];
function followPointer(root, lines, x, y) {
  root.addEventListener("pointermove", (event) => {
    const box = root.getBoundingClientRect();
    const [px, py] = [event.clientX - box.left, event.clientY - box.top];
    let nearest = null;
    lines.forEach((line, row) => line.points.forEach((point, column) => {
      const distance = Math.hypot(x(point[0]) - px, y(point[1]) - py);
      if (!nearest || distance < nearest.distance) nearest = { distance, row, column };
    }));
    if (nearest && nearest.distance < 60) readOut(lines, nearest.row, nearest.column);
  });
  root.addEventListener("pointerleave", () => focusOn(null));
}

function readOut(lines, row, column) {
  stepped = [row, column];
  document.getElementById("readout").textContent = sentence(lines[row].series, lines[row].points[column]);
  focusOn(lines[row].i);
}

function focusOn(i) {
  focused = i;
  for (const group of document.querySelectorAll("#chart [data-series]"))
    group.classList.toggle("faded", i !== null && Number(group.dataset.series) !== i);
}

function stepWithKeys(event) {
  const move = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
  const lines = visibleLines();
  if (!move || !lines.length) return;
  event.preventDefault();
  const row = Math.min(Math.max(stepped[0] + move[0], 0), lines.length - 1);
  const column = Math.min(Math.max(stepped[1] + move[1], 0), lines[row].points.length - 1);
  readOut(lines, row, column);
}

function makeSeriesChoices() {
  const holder = document.getElementById("series");
  const all = document.createElement("button");
  all.type = "button";
  const nameIt = () => (all.textContent = state.hidden.size ? "Show all" : "Hide all");
  nameIt();
  listeners.push(nameIt);
  all.addEventListener("click", () => {
    state.hidden = new Set(state.hidden.size ? [] : data.series.keys());
    for (const box of holder.querySelectorAll("input")) box.checked = !state.hidden.size;
    update({});
  });
  holder.append(all);
  data.series.forEach((series, i) => {
    const box = document.createElement("input");
    box.type = "checkbox";
    box.checked = true;
    box.addEventListener("change", () => {
      state.hidden[box.checked ? "delete" : "add"](i);
      update({});
    });
    const sample = svg("svg", { viewBox: "0 0 26 12", "aria-hidden": "true" });
    sample.append(svg("line", { x1: 0, x2: 26, y1: 6, y2: 6, stroke: "var(--line)", "stroke-width": 2, "stroke-dasharray": series.dashes.join(" ") }));
    sample.append(svg("path", { d: MARKERS[series.marker], fill: "var(--line)", transform: "translate(13,6)" }));
    const label = document.createElement("label");
    label.className = series.colour;
    label.append(box, sample, series.label + (series.floor ? " (floor)" : ""));
    holder.append(label);
  });
}

makeSeriesChoices();
listeners.push(drawChart);
document.querySelectorAll("select[data-choice]").forEach((select) =>
  select.addEventListener("change", () => update({ [select.dataset.choice]: select.dataset.choice === "batch" ? Number(select.value) : select.value })),
);
document.getElementById("chart").addEventListener("keydown", stepWithKeys);
document.getElementById("chart").addEventListener("blur", () => focusOn(null));
new ResizeObserver(drawChart).observe(document.getElementById("chart"));
