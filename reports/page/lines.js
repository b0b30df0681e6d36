// One line with its band, bars and markers, and the names at the right ends of lines.
let focused = null; // the line that is drawn before the others, by its number

function drawLine(root, { series, i, points }, x, y) {
  const group = svg("g", { class: series.colour + (focused !== null && focused !== i ? " faded" : ""), "data-series": i });
  const up = points.map(([batch, , , high]) => `${x(batch)},${y(high)}`);
  const down = points.map(([batch, , low]) => `${x(batch)},${y(low)}`).reverse();
  group.append(svg("polygon", { class: "band", points: [...up, ...down].join(" ") }));
  const few = points.length <= 30;
  for (const [batch, , low, high] of few ? points : []) group.append(svg("line", { class: "bar", x1: x(batch), x2: x(batch), y1: y(low), y2: y(high) }));
  group.append(svg("polyline", { class: "line", "stroke-dasharray": series.dashes.join(" "), points: points.map(([b, v]) => `${x(b)},${y(v)}`).join(" ") }));
  for (const [batch, value] of few ? points : []) group.append(svg("path", { class: "marker", d: MARKERS[series.marker], transform: `translate(${x(batch)},${y(value)})` }));
  root.append(group);
}

function drawLabels(root, lines, x, y, box, narrow) {
  const ends = lines.map(({ points }) => points[points.length - 1]);
  const heights = spread(ends.map((end) => y(end[1])), 15, box.top + 4, box.bottom - 2);
  lines.forEach(({ series, i }, k) => {
    const faded = focused !== null && focused !== i ? " faded" : "";
    const name = narrow && series.label.length > 14 ? series.label.slice(0, 13) + "…" : series.label;
    const group = svg("g", { class: series.colour + faded, "data-series": i });
    const [endX, endY] = [x(ends[k][0]), y(ends[k][1])];
    group.append(svg("path", { class: "leader", d: `M${endX + 5},${endY}L${box.right + 10},${heights[k]}` }));
    group.append(svg("text", { class: "label", x: box.right + 14, y: heights[k] + 4 }, name));
    root.append(group);
  });
}
