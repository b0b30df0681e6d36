// One case in every run: machines side by side, or one machine over time.
function drawAcross() {
  const holder = document.getElementById("across");
  const { runs, series, points } = JSON.parse(document.getElementById("across-data").textContent);
  const found = points[`${state.setting}|${state.problem}|${state.pass}|${state.batch}`] || {};
  const lines = Object.entries(found).map(([name, values]) => ({ series: series[name], values }));
  const width = Math.max(280, holder.clientWidth);
  const narrow = width < 520;
  const labelWidth = narrow ? 110 : 8 + 7.2 * Math.max(6, ...lines.map(({ series }) => series.label.length));
  const box = { left: 70, right: width - labelWidth - 14, top: 12, bottom: 268 };
  const root = svg("svg", { viewBox: `0 0 ${width} 300`, width, height: 300, "aria-hidden": "true" });
  holder.replaceChildren(root);
  const all = lines.flatMap(({ values }) => values.filter(Boolean));
  if (!all.length) return;
  const x = (run) => (runs.length < 2 ? (box.left + box.right) / 2 : box.left + 24 + (run / (runs.length - 1)) * (box.right - box.left - 36));
  const [low, high] = [Math.min(...all.map((p) => p[1])) / 1.2, Math.max(...all.map((p) => p[2])) * 1.2];
  const y = makeScale(true, low, high, box.bottom, box.top);
  for (const value of ticks(true, low, high)) {
    root.append(svg("line", { class: "grid", x1: box.left, x2: box.right, y1: y(value), y2: y(value) }));
    root.append(svg("text", { x: box.left - 6, y: y(value) + 4, "text-anchor": "end" }, time(value, 1)));
  }
  for (const run of apart(runs.map((_, i) => i), x, 90)) root.append(svg("text", { x: x(run), y: box.bottom + 18, "text-anchor": "middle" }, runs[run]));
  root.append(svg("line", { class: "axis", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom }));
  root.append(svg("text", { transform: `translate(11,${(box.top + box.bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, `time per ${data.units[state.pass] || state.pass}`));
  const drawn = lines.map(({ series, values }, i) => ({ series, i, points: values.flatMap((p, run) => (p ? [[run, ...p]] : [])) }));
  for (const line of drawn) drawLine(root, line, x, y);
  drawLabels(root, drawn, x, y, box, narrow);
  const told = drawn.map(({ series, points }) => `${series.name} ${points.map(([run, median]) => `${time(median)} in run ${run + 1}`).join(", ")}`);
  const [dtype, device] = state.setting.split("|");
  document.getElementById("across-caption").textContent = `${state.problem} ${state.pass}, batch ${count(state.batch)}, ${dtype} on ${device}; medians: ${told.join("; ")}.`;
}

if (document.getElementById("across")) {
  listeners.push(drawAcross);
  new ResizeObserver(drawAcross).observe(document.getElementById("across"));
}
