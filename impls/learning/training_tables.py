"""What a training found, for the terminal: losses as they fell, predictions, and how far apart the frameworks are."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

Document = dict[str, Any]


def render(result: Document) -> RenderableType:
    """All tables of a `training.run`, and the verdict."""
    parts: list[RenderableType] = [_losses(result), _predictions(result)]
    if result["recipe"]["problem"] == "stock":
        parts[1:] = [_errors(result)]
    parts.append(_agreement(result))
    return Group(*parts, *absent(result), _verdict(result))


def absent(result: Document) -> list[Text]:
    """A line for each implementation that gave no result."""
    left_out = [Text(f"left out: {name}: {reason}", style="dim") for name, reason in result["left_out"].items()]
    return left_out + [Text(f"failed: {name}: {why}", style="bold red") for name, why in result["failed"].items()]


def _losses(result: Document) -> RenderableType:
    recipe = result["recipe"]
    optimizer = recipe["optimizer"]
    title = (
        f"{recipe['problem']}, {recipe['dtype']}: mean squared error; {optimizer['name']}, "
        f"learning rate {optimizer['learning_rate']:g}, {recipe['rows']} rows, batch {recipe['batch']}"
    )
    table = _table()
    table.add_column("epoch", justify="right")
    for run in result["runs"]:
        table.add_column(run["implementation"], justify="right")
    for row, epoch in enumerate(result["epochs"]):
        if epoch % recipe["shown_every"] == 0 or epoch == result["epochs"][-1]:
            table.add_row(f"{epoch:,}", *(f"{run['losses'][row]:.6f}" for run in result["runs"]))
    return _titled(title, table)


def _predictions(result: Document) -> RenderableType:
    table = _table()
    facts = result["facts"]
    for heading in ("input", "target", *(run["implementation"] for run in result["runs"])):
        table.add_column(heading, justify="right")
    if "least_squares" in facts:
        table.add_column("least squares", justify="right")
    for number, asked in enumerate(facts["asked"]):
        target = facts["targets"][number] if "targets" in facts else None
        cells = [_numbers(asked, "g"), "–" if target is None else _numbers(target, "g")]
        cells += [_numbers(run["predictions"][number], ".6f") for run in result["runs"]]
        if "least_squares" in facts:
            cells.append(f"{facts['least_squares'][number]:.6f}")
        table.add_row(*cells)
    return _titled("Predictions at the end", table)


def _errors(result: Document) -> RenderableType:
    """Errors on the held-out rows, in scaled and in price units, against the baselines."""
    facts = result["facts"]
    title = f"{facts['source']}: {facts['held_out_rows']} rows held out ({facts['split']} split)"
    table = _table()
    for heading in ("", "MSE, scaled", "RMSE, price", "of the mean's"):
        table.add_column(heading, justify="left" if not heading else "right")
    rows = [(run["implementation"], run["held_out"]) for run in result["runs"]]
    rows += [(name, error) for name, error in facts["baselines"].items()]
    mean = facts["baselines"]["mean of the training part"]["scaled_mse"]
    for name, error in rows:
        share = f"{error['scaled_mse'] / mean:.2%}"
        table.add_row(name, f"{error['scaled_mse']:.9g}", f"{error['price_rmse']:.6g}", share)
    return _titled(title, table)


def _agreement(result: Document) -> RenderableType:
    table = _table()
    for heading in ("implementation", "loss", "parameters", "times shadow", "s"):
        table.add_column(heading, justify="left" if heading == "implementation" else "right")
    spread = result["shadows"]
    for run in result["runs"]:
        table.add_row(
            run["implementation"],
            f"{max(run['loss_difference']):.1e} ({spread['loss_spread'][-1]:.1e})",
            f"{max(run['distance']):.1e} ({spread['distance_spread'][-1]:.1e})",
            Text(f"{run['times_shadow']:.2g}", style="" if run["explained"] else "bold red"),
            f"{run['seconds']:.1f}",
        )
    return _titled("How far from the reference, and in parentheses how far the shadows are, at most", table)


def _verdict(result: Document) -> Text:
    until, last, allowed = result["shadows"]["comparable_until"], result["epochs"][-1], result["shadows"]["allowed"]
    scope = "" if until == last else f" up to epoch {until:,}, where rounding alone moves the loss by a hundredth"
    wrong = [run["implementation"] for run in result["runs"] if not run["explained"]]
    if not wrong:
        return Text(
            f"The same curve{scope}: no farther apart than {allowed:g} times what rounding becomes.", "bold green"
        )
    why = "their own optimizer conventions" if result["recipe"]["as_shipped"] else "an error of their own"
    return Text(f"More than rounding{scope}: {', '.join(wrong)}; {why}.", style="bold red")


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))


def _titled(title: str, table: Table) -> RenderableType:
    return Group(Text(title, style="italic"), table)


def _numbers(values: list[float], form: str) -> str:
    return " ".join(f"{value:{form}}" for value in values)
