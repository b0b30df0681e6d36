// At one batch: bars of the times, and the table of who is faster than whom.
function casesAt() {
  const here = panel();
  const at = here.batches.indexOf(Number(state.batch));
  if (at < 0) return { here, at, cases: [] };
  const cases = Object.entries(here.points[at]).map(([i, point]) => ({ i: Number(i), series: data.series[i], median: point[0] }));
  return { here, at, cases: cases.sort((a, b) => a.median - b.median) };
}

function element(name, className, ...children) {
  const node = document.createElement(name);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

// `xor value_and_grad, batch 4, float32 on cpu`, as chosen.
function whereNow() {
  const [dtype, device] = state.setting.split("|");
  return `${state.problem} ${passOf().title}, batch ${count(state.batch)}, ${dtype} on ${device}`;
}

function drawBars() {
  const { here, at, cases } = casesAt();
  const fastest = cases.find(({ series }) => !series.floor) || cases[0];
  const longest = Math.max(...cases.map(({ median }) => median));
  document.getElementById("bars-where").textContent = `${whereNow()}; medians, and ratios to ${fastest.series.name} with their intervals.`;
  document.getElementById("bars").replaceChildren(
    ...cases.map(({ i, series, median }) => {
      const length = element("span", "length");
      length.style.width = `${(55 * median) / longest}%`;
      const text = element("span", "reading", time(median));
      if (i !== fastest.i) {
        const ratio = ratioOf(here, at, i, fastest.i) || [median / fastest.median, null, null];
        const range = interval(ratio[1], ratio[2]);
        text.append(" · ", element("b", "", `${significant(ratio[0])}×`), range ? ` (${range})` : "");
      }
      return element("li", series.colour, element("span", "name", series.label), element("span", "track", length, text));
    }),
  );
}

function drawPairs() {
  const table = document.getElementById("pairs-table");
  if (!table) return;
  const { here, at, cases } = casesAt();
  const rows = [];
  cases.forEach((fast, k) =>
    cases.slice(k + 1).forEach((slow) => {
      const ratio = ratioOf(here, at, slow.i, fast.i) || [slow.median / fast.median, null, null];
      const word = ratioOf(here, at, fast.i, slow.i)?.[3] || "no difference shown";
      const times = element("td", "number", significant(ratio[0]));
      times.dataset.value = ratio[0];
      rows.push(
        element("tr", "",
          element("td", `name ${fast.series.colour}`, fast.series.name),
          element("td", ["faster", "slower", "equivalent"].includes(word) ? word : "", word),
          element("td", `name ${slow.series.colour}`, slow.series.name),
          times,
          element("td", "number", interval(ratio[1], ratio[2]) || "–")),
      );
    }),
  );
  table.tBodies[0].replaceChildren(...rows);
  for (const header of [...table.tHead.rows].at(-1).cells) header.removeAttribute("aria-sort");
  table.caption.textContent = whereNow();
}

listeners.push(drawBars, drawPairs);
update({});
