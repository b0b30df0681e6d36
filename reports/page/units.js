// Numbers for people, as benchmarks/results/units.py writes them.
function significant(value, digits = 3) {
  if (value === null || !isFinite(value)) return "–";
  if (value === 0) return "0";
  const rounded = Number(value.toPrecision(digits));
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(rounded))));
  if (decimals > 6) return rounded.toExponential(1);
  return rounded.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

function time(ns, digits = 3) {
  const [divisor, unit] = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"]].find(([d]) => Math.abs(ns) >= (1 - 0.5 * 10 ** -digits) * d) || [1, "ns"];
  return ns === null ? "–" : `${significant(ns / divisor, digits)} ${unit}`;
}

const count = (value) => Math.round(value).toLocaleString("en-US");
/* Ends more than a hundred times apart, as two launches give them, are not shown: as in benchmarks/results/units.py. */
const interval = (low, high) =>
  low === null || high === null ? "" : high > 100 * low ? "too few launches" : `${significant(low)} to ${significant(high)}`;
