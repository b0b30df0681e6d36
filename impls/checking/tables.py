"""The results of `agree`, `drift` and `known_faults` as tables for an 80-column terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from samegrad.impls.checking.agree import disagreements
from samegrad.impls.checking.drift import ALLOWED, unexplained

Row = dict[str, Any]


def render_agree(result: Row) -> RenderableType:
    """A table per problem and dtype, the disagreements, what was left out, and the verdict."""
    measured = [row for row in result["rows"] if "tau" in row]
    refused = [row for row in result["rows"] if "left_out" in row]
    tables = [_agreement_table(f"{problem}, {dtype}", rows) for (problem, dtype), rows in _by_case(measured).items()]
    wrong = disagreements(result)
    names = {row["implementation"] for row in measured}
    if wrong:
        verdict = f"[bold red]{len(wrong)} disagreements:[/]"
    elif names:
        verdict = f"[bold green]all {len(names)} agree[/]: every number is within the rounding bound (τ ≤ 1)."
    else:
        verdict = "[bold red]nothing was measured.[/]"
    return Group(*tables, *_left_out(result, refused), Text.from_markup(verdict), *map(Text, wrong))


def _table(title: str | None, left: Sequence[str], right: Iterable[str], no_wrap: bool = True) -> Table:
    """An empty table with these columns."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in left:
        table.add_column(heading, no_wrap=True)
    for heading in right:
        table.add_column(heading, justify="right", no_wrap=no_wrap)
    return table


def _agreement_table(case: str, rows: Sequence[Row]) -> Table:
    scales = sorted({row["scale"] for row in rows})
    title = f"{case}: worst τ, median/worst error in ULP, by scale of the weights"
    table = _table(title, ("implementation", "tensor"), [h for scale in scales for h in (f"τ ×{scale:g}", "ULP")])
    tensors = dict.fromkeys(map(_tensor, rows))
    for (name,), own in _grouped(rows, "implementation").items():
        for number, tensor in enumerate(tensors):
            of_scale = ([row for row in own if (row["scale"], _tensor(row)) == (scale, tensor)] for scale in scales)
            cells = [cell for some in of_scale for cell in _agreement_cells(some)]
            table.add_row("" if number else name, tensor, *cells)
    return table


def _agreement_cells(rows: Sequence[Row]) -> list[str | Text]:
    """Worst τ and the ULP of the rows of one cell (several only for the tensors after a step)."""
    if not rows:
        return ["", ""]
    worst = max(rows, key=lambda row: float("inf") if row["tau"] is None else row["tau"])
    tau = "∞" if worst["tau"] is None else _short(worst["tau"])
    ulps = [_ulp(rows, "error_ulp_median"), _ulp(rows, "error_ulp_worst")]
    return [Text(tau, style="bold red" if worst["disagreement"] else ""), "/".join(ulps)]


def _ulp(rows: Iterable[Row], field: str) -> str:
    values = [row[field] for row in rows]
    if None in values:
        return "?"
    return f"{max(values):.1f}" if max(values) < 9.95 else _short(max(values))


def _tensor(row: Row) -> str:
    return "after step" if row["pass"] == "train_step" else row["tensor"]


MOST_WRONG = 5


def render_in_short(result: Row) -> RenderableType:
    """A line for each implementation with its worst figures, what is not right, and the verdict last."""
    agree, drift = result["agree"], result["drift"] or {"rows": []}
    figures = [(agree, "tau", "worst τ"), (drift, "times_shadow", "drift")]
    columns = [
        (part, figure, heading, dtype)
        for part, figure, heading in figures
        for dtype in dict.fromkeys(row["dtype"] for row in part["rows"] if figure in row)
    ]
    headings = [f"{heading}, {dtype}" for *_, heading, dtype in columns]
    table = _table(None, ["implementation"], headings, no_wrap=False)
    for name in dict.fromkeys(row["implementation"] for row in agree["rows"] if "tau" in row):
        table.add_row(name, *(_worst(part["rows"], name, dtype, figure) for part, figure, _, dtype in columns))
    parts: list[RenderableType] = [table] if table.rows else []
    for part in (agree, drift):
        parts += _left_out(part, [row for row in part["rows"] if "left_out" in row]) if "failed" in part else []
    present = [fault for fault in result["known_faults"] if fault["present"]]
    for what in dict.fromkeys((fault["name"], fault["cure"]) for fault in present):
        has = [name for fault in present if (fault["name"], fault["cure"]) == what for name in fault["versions"]]
        sentence = f"known fault of {', '.join(dict.fromkeys(has))}: {what[0]}. Cure: {what[1]}"
        parts.append(Text(sentence, style="yellow"))
    parts.append(Text("τ: error over the bound of rounding. Drift: distance from float64 over what rounding becomes."))
    wrong = [*disagreements(agree), *unexplained(drift)]
    parts += [Text(line, style="red") for line in wrong[:MOST_WRONG]]
    if wrong:
        parts.append(Text(f"{len(wrong)} disagreements; --tables shows all.", style="bold red"))
    elif not table.rows:
        parts.append(Text("nothing was measured.", style="bold red"))
    else:
        drifts = "" if result["drift"] is None else f", and none drifts over {ALLOWED:g} times what rounding becomes"
        verdict = f"all {len(table.rows)} agree: every number is within the rounding bound (τ ≤ 1){drifts}."
        parts.append(Text(verdict, style="bold green"))
    return Group(*parts)


def _worst(rows: Sequence[Row], name: str, dtype: str, figure: str) -> str:
    """The largest of an implementation's figures; infinite where one is no number."""
    values = [row[figure] for row in rows if (row["implementation"], row["dtype"]) == (name, dtype) and figure in row]
    return "–" if not values else "∞" if None in values else _short(max(values))


def render_drift(result: Row) -> RenderableType:
    """A table per problem and dtype: distance from the float64 trajectory at each step, the shadows below."""
    measured = [row for row in result["rows"] if "step" in row]
    refused = [row for row in result["rows"] if "left_out" in row]
    steps = sorted({row["step"] for row in result["shadows"]})
    parts: list[RenderableType] = []
    for case, rows in _by_case(result["shadows"]).items():
        title = f"{', '.join(case)}: farthest parameter from float64 (times the farthest shadow)"
        table = _table(title, ["implementation"], [f"step {step}" for step in steps])
        for (name,), of_name in _grouped(_by_case(measured).get(case, ()), "implementation").items():
            table.add_row(name, *map(_drift_cell, of_name))
        table.add_section()
        table.add_row("farthest shadow", *(f"{_power(row['largest'])} (1.0)" for row in rows))
        parts.append(table)
    wrong = unexplained(result)
    verdict = (
        "[bold red]more than rounding:[/]"
        if wrong
        else "[bold red]nothing was measured.[/]"
        if not measured
        else f"[bold green]rounding explains all of it[/]: none is over {ALLOWED:g} times as far off as the shadows."
    )
    return Group(*parts, *_left_out(result, refused), Text.from_markup(verdict), *map(Text, wrong))


def _drift_cell(row: Row) -> Text:
    return Text(
        f"{_power(row['distance'])} ({_times(row['times_shadow'])})", style="" if row["explained"] else "bold red"
    )


def render_faults(results: Sequence[Row]) -> RenderableType:
    """Each known fault that is present, with its evidence and cure; then those that are absent or were not tried."""
    lines: list[RenderableType] = []
    for (name,), tried in _grouped(results, "name").items():
        present = [result for result in tried if result["present"]]
        if present:
            versions = {
                f"{package} {version}": None for result in present for package, version in result["versions"].items()
            }
            lines.append(Text.from_markup(f"[bold yellow]known fault:[/] {escape(name)} ({', '.join(versions)})"))
            lines += [Padding(Text(result["evidence"]), (0, 0, 0, 2)) for result in present]
            lines.append(Padding(Text(f"{present[0]['what']} Cure: {present[0]['cure']}"), (0, 0, 0, 2)))
            lines.append(Padding(Text(f"Source: {present[0]['source']}."), (0, 0, 0, 2)))
        elif all(result["present"] is None for result in tried):
            lines.append(Text(f"not tried: {name}: {tried[0]['evidence']}", style="dim"))
        else:
            lines.append(Text(f"absent: {name}", style="dim"))
    return Group(*lines)


def _left_out(result: Row, refused: Iterable[Row]) -> list[Text]:
    """A line for each implementation that could not run, refused some cases, or failed."""
    cases = Counter(f"{row['implementation']}: {row['left_out']}" for row in refused)
    lines = [f"{name}: {reason}" for name, reason in result["left_out"].items()]
    lines += [f"{count} case{'s' * (count > 1)} of {line}" for line, count in cases.items()]
    failures = [Text(f"failed: {name}: {reason}", style="bold red") for name, reason in result["failed"].items()]
    return [*(Text(f"left out: {line}", style="dim") for line in lines), *failures]


def _by_case(rows: Iterable[Row]) -> dict[tuple[str, ...], list[Row]]:
    return _grouped(rows, "problem", "dtype")


def _grouped(rows: Iterable[Row], *fields: str) -> dict[tuple[str, ...], list[Row]]:
    """The rows that have the same in these fields, in the order in which that first appears."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[field] for field in fields), []).append(row)
    return groups


def _short(number: float) -> str:
    """0.12, 19, 7e3: two digits, and no longer than four characters up to 10⁹."""
    if 0.01 <= number < 99.5:
        return f"{number:.2g}"
    return _power(number, 0)


def _times(number: float) -> str:
    return f"{number:.1f}" if number < 99.5 else _short(number)


def _power(number: float, digits: int = 1) -> str:
    """1.2e-7, without the zeros of an exponent."""
    if number == 0:
        return "0"
    mantissa, exponent = f"{number:.{digits}e}".split("e")
    return f"{mantissa}e{int(exponent)}"
