"""The command `samegrad train`: one recipe, every framework, the same curve."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from impls.errors import BadInput, choose
from impls.problem import DTYPES, SEED

if TYPE_CHECKING:
    from impls.learning.recipes import Recipe

FOLDER = Path("reports/trainings")
STARTS_FOLDER = Path("reports/starts")
NAMES = ("xor", "line", "slides", "stock")


@click.command("train", context_settings={"max_content_width": 100})
@click.argument("problem", metavar="|".join(NAMES))
@click.option("--implementations", default="all", show_default=True, help="Names or patterns, comma-separated.")
@click.option(
    "--optimizer", help="sgd, momentum, nesterov, rmsprop, rmsprop-centered or adam.  [default: the recipe's]"
)
@click.option("--learning-rate", type=click.FloatRange(min=0, min_open=True), help="On the mean squared error.")
@click.option("--epochs", type=click.IntRange(min=1))
@click.option("--batch", type=click.IntRange(min=1), help="Rows per minibatch.")
@click.option("--seed", default=SEED, show_default=True, type=click.IntRange(0, 2**32 - 1))
@click.option("--dtype", default="float64", show_default=True, type=click.Choice(DTYPES))
@click.option("--as-shipped", "shipped", is_flag=True, help="Each framework's own optimizer conventions, not aligned.")
@click.option("--seeds", metavar="N", type=click.IntRange(min=1), help="xor: how many of N starts converge, and when.")
@click.option("--csv", "csv", type=click.Path(path_type=Path), help="stock: your own daily rows.")
@click.option("--symbol", help="stock: fetch it from Alpha Vantage; the key is read from ALPHAVANTAGE_API_KEY.")
@click.option(
    "--split", type=click.Choice(["shuffled", "time"]), help="stock: which rows are held out.  [default: shuffled]"
)
@click.option(
    "--json",
    "path",
    type=click.Path(path_type=Path),
    help=f"Where to save.  [default: {FOLDER}/…, or {STARTS_FOLDER}/…]",
)
def train_command(
    problem: str,
    implementations: str,
    dtype: str,
    shipped: bool,
    seeds: int | None,
    path: Path | None,
    csv: Path | None,
    symbol: str | None,
    split: str | None,
    seed: int,
    **changes: Any,
) -> None:
    """Train one problem by every framework, from the same weights on the same minibatches, and compare.

    Exit status 1 where the frameworks part by more than rounding explains, or one of them fails.
    """
    from impls.learning import recipes
    from impls.learning.trainer import select

    choose("recipe", problem, NAMES)
    _only("stock", problem, {"--csv": csv, "--symbol": symbol, "--split": split})
    _only("xor", problem, {"--seeds": seeds})
    if seeds is not None and shipped:
        raise BadInput("--as-shipped and --seeds do not go together: plain gradient descent has no other conventions")
    names = select(implementations)
    if problem == "stock":
        from impls.learning import stock

        recipe = stock.recipe(seed, csv=csv, symbol=symbol, split=split or "shuffled", batch=changes["batch"])
    else:
        recipe = recipes.get_recipe(problem, seed)
    recipe = recipes.changed(recipe, **changes)
    if seeds is None:
        sys.exit(_train(recipe, names, _place(path, FOLDER), dtype, shipped))
    sys.exit(_starts(recipe, seeds, names, _place(path, STARTS_FOLDER), dtype))


def _only(recipe: str, problem: str, given: dict[str, Any]) -> None:
    for option, value in given.items():
        if value is not None and problem != recipe:
            raise BadInput(f"{option} belongs to {recipe}; it means nothing for {problem}")


def _place(path: Path | None, folder: Path) -> Path:
    """Where to save: as asked, or under the present time in the folder. Learnt before the work, not after it."""
    if path is None:
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}.json"
    if not path.parent.is_dir():
        raise BadInput(f"--json {path}: there is no folder {path.parent}")
    return path


def _train(recipe: Recipe, names: list[str], path: Path, dtype: str, shipped: bool) -> int:
    from rich.console import Console

    from impls.learning import training, training_tables
    from impls.learning.live import Live

    console = Console(highlight=False)
    with Live(console, ["shadows", *names], recipe.epochs) as live:
        result = training.run(recipe, names, dtype=dtype, shipped=shipped, progress=live.show)
    if recipe.problem.name == "stock":
        from impls.learning import stock

        stock.judge(result)
    training.save(result, path)
    console.print(training_tables.render(result))
    console.print(f"Saved in {path}", soft_wrap=True)
    explained = shipped or all(run["explained"] for run in result["runs"])
    return 0 if explained and not result["failed"] else 1


def _starts(recipe: Recipe, count: int, names: list[str], path: Path, dtype: str) -> int:
    from rich.console import Console

    from impls.learning import starts, starts_show, training
    from impls.learning.live import Live

    console = Console(highlight=False)
    with Live(console, names, recipe.epochs) as live:
        result = starts.run(recipe, count, names, dtype=dtype, progress=live.show)
    training.save(result, path)
    console.print(starts_show.render(result))
    console.print(f"Saved in {path}; samegrad report {path} draws it", soft_wrap=True)
    return 0 if result["agree"] and not result["failed"] else 1
