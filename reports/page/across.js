// One case in every run: machines side by side, or one machine over time.
function drawAcross() {
  const holder = document.getElementById("across");
  const { runs, series, points } = JSON.parse(document.getElementById("across-data").textContent);
  const found = points[`${state.setting}|${state.problem}|${state.pass}|${state.batch}`] || {};
  const lines = Object.entries(found).map(([name, values]) => ({
    ...series[name],
    points: values.flatMap((value, run) => (value ? [[run, ...value]] : [])),
  }));
  const yName = `time per ${passOf().unit}`;
  drawCurves(holder, { lines }, { xName: "run", yName, xNames: runs, format: (ns) => time(ns, 1) });
  const rows = lines.map(({ name, colour, points }) => {
    const medians = new Map(points.map(([run, median]) => [run, median]));
    const cells = runs.map((_, run) => {
      const cell = element("td", "number", medians.has(run) ? time(medians.get(run)) : "–");
      if (medians.has(run)) cell.dataset.value = medians.get(run);
      return cell;
    });
    return element("tr", "", element("td", `name ${colour}`, name), ...cells);
  });
  document.getElementById("across-table").tBodies[0].replaceChildren(...rows);
  const told = lines.map(({ name, points }) => `${name} ${points.map(([run, median]) => `${time(median)} in run ${run + 1}`).join(", ")}`);
  document.getElementById("across-caption").textContent = `${whereNow()}; medians: ${told.join("; ")}.`;
}

if (document.getElementById("across")) {
  listeners.push(drawAcross);
  new ResizeObserver(drawAcross).observe(document.getElementById("across"));
}
