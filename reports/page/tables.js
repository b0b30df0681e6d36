// Every table can be sorted by any column, and saved as CSV in full precision.
function cellValue(cell) {
  return cell.dataset.value ?? cell.textContent;
}

function compareCells(a, b) {
  const [x, y] = [Number(a), Number(b)];
  if (a.trim() !== "" && b.trim() !== "" && !isNaN(x) && !isNaN(y)) return x - y;
  return a.localeCompare(b, "en", { numeric: true });
}

function sortBy(table, column, button) {
  const header = button.parentElement;
  const ascending = header.getAttribute("aria-sort") !== "ascending";
  for (const other of header.parentElement.children) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const body = table.tBodies[0];
  const rows = [...body.rows].sort((a, b) => compareCells(cellValue(a.cells[column]), cellValue(b.cells[column])));
  body.append(...(ascending ? rows : rows.reverse()));
}

function makeSortable(table) {
  [...[...table.tHead.rows].at(-1).cells].forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = header.textContent;
    header.replaceChildren(button);
    button.addEventListener("click", () => sortBy(table, column, button));
  });
}

function commaSeparated(table) {
  const quoted = (value) => {
    const inert = /^[=+@-]/.test(value) && isNaN(Number(value)) ? `'${value}` : value; // a spreadsheet runs formulas
    return /[",\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
  };
  const headings = [...table.tHead.rows].at(-1);
  const rows = [headings, ...table.tBodies[0].rows].map((row) => [...row.cells].map((cell) => quoted(cellValue(cell).trim())).join(","));
  return rows.join("\n") + "\n";
}

function linkData(link) {
  link.addEventListener("click", () => {
    const blob = new Blob([commaSeparated(document.getElementById(link.dataset.table))], { type: "text/csv" });
    link.href = URL.createObjectURL(blob);
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  });
}

document.querySelectorAll("table.sortable").forEach(makeSortable);
document.querySelectorAll("a.data").forEach(linkData);
