// Lines over a numbered axis, drawn from a section's own data; each plot may have a choice of panels.
function drawCurves(holder, panel, { xName, yName, xNames = null, linear = false, format }) {
  const width = Math.max(280, holder.clientWidth);
  const narrow = width < 520;
  const labelWidth = narrow ? 110 : roomFor(panel.lines.map(({ label }) => label));
  const height = Math.max(300, 60 + 16 * panel.lines.length);
  const box = { left: 74, right: width - labelWidth - 14, top: 12, bottom: height - 42 };
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" });
  holder.replaceChildren(root);
  const points = panel.lines.flatMap((line) => line.points);
  const values = [...points.flatMap((p) => p.slice(1)), ...(panel.band || []).flatMap((p) => p.slice(1))].filter((v) => v > 0);
  if (!values.length) return;
  const [low, high] = [Math.min(...values) / (xNames ? 1.2 : 3), Math.max(...values) * (xNames ? 1.2 : 2)];
  const xs = [...new Set(points.map(([x]) => x))].sort((a, b) => a - b);
  const scale = makeScale(!xNames && !linear, xs[0], xs.at(-1), box.left + 20, box.right - 10);
  const x = xs.length > 1 ? scale : () => (box.left + box.right) / 2;
  const y = ((inner) => (value) => inner(Math.max(value || 0, low)))(makeScale(true, low, high, box.bottom, box.top));
  const decades = ticks(true, low, high);
  const every = Math.ceil(decades.length / 8);
  decades.filter((_, i) => i % every === 0).forEach((value) => {
    root.append(svg("line", { class: "grid", x1: box.left, x2: box.right, y1: y(value), y2: y(value) }));
    root.append(svg("text", { x: box.left - 6, y: y(value) + 4, "text-anchor": "end" }, format(value)));
  });
  const marks = linear ? ticks(false, xs[0], xs.at(-1), narrow ? 3 : 6) : apart(xs, x, xNames ? 90 : 44);
  for (const at of marks)
    root.append(svg("text", { x: x(at), y: box.bottom + 17, "text-anchor": "middle" }, xNames ? xNames[at] : count(at)));
  root.append(svg("line", { class: "axis", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom }));
  root.append(svg("text", { x: (box.left + box.right) / 2, y: box.bottom + 36, "text-anchor": "middle" }, xName));
  root.append(svg("text", { transform: `translate(11,${(box.top + box.bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, yName));
  if (panel.band?.length) {
    const edge = (k) => panel.band.map((p) => `${x(p[0])},${y(p[k])}`);
    root.append(svg("polygon", { class: "shadow", points: [...edge(2), ...edge(1).reverse()].join(" ") }));
  }
  const drawn = panel.lines.map((line, i) => ({
    series: line,
    i,
    points: line.points.map(([at, value, from, to]) => [at, value, from ?? value, to ?? value]),
  }));
  for (const line of drawn) drawLine(root, line, x, y);
  drawLabels(root, drawn, x, y, box, narrow);
}

for (const holder of document.querySelectorAll(".curves")) {
  const spec = JSON.parse(document.getElementById(holder.dataset.source).textContent);
  const select = holder.closest("figure").querySelector("select[data-curves]");
  const draw = () => drawCurves(holder, spec.panels[select.value], { xName: spec.x, yName: spec.panels[select.value].y || spec.y, linear: spec.linear, format: (v) => v.toExponential(0) });
  select.addEventListener("change", draw);
  new ResizeObserver(draw).observe(holder);
}
