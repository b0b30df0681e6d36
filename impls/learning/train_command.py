"""The command `samegrad train`: one recipe, every framework, the same curve."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from impls.errors import BadInput, choose
from impls.problem import DTYPES, SEED

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
def train_command(problem: str, implementations: str, seeds: int | None, path: Path | None, **options: Any) -> None:
    """Train one problem by every framework, from the same weights on the same minibatches, and compare.

    Exit status 1 where the frameworks part by more than rounding explains, or one of them fails.
    """
    from impls.learning.trainer import select

    choose("recipe", problem, NAMES)
    _only("stock", problem, {f"--{name}": options[name] for name in ("csv", "symbol", "split")})
    _only("xor", problem, {"--seeds": seeds})
    names = select(implementations)
    if path is None:
        folder = FOLDER if seeds is None else STARTS_FOLDER
        path = folder / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
    elif not path.parent.is_dir():
        raise BadInput(f"--json {path}: there is no folder {path.parent}")
    if seeds is None:
        sys.exit(_train(problem, names, path, **options))
    sys.exit(_starts(names, seeds, path, **options))


def _only(recipe: str, problem: str, given: dict[str, Any]) -> None:
    for option, value in given.items():
        if value is not None and problem != recipe:
            raise BadInput(f"{option} belongs to {recipe}; it means nothing for {problem}")


def _train(
    problem: str,
    names: list[str],
    path: Path,
    *,
    optimizer: str | None,
    learning_rate: float | None,
    epochs: int | None,
    batch: int | None,
    seed: int,
    dtype: str,
    shipped: bool,
    csv: Path | None,
    symbol: str | None,
    split: str | None,
) -> int:
    from rich.console import Console

    from impls.learning import recipes, training, training_tables
    from impls.learning.live import Live

    if problem == "stock":
        from impls.learning import stock

        recipe = stock.recipe(seed, csv=csv, symbol=symbol, split=split or "shuffled", batch=batch)
    else:
        recipe = recipes.get_recipe(problem, seed)
    recipe = recipes.changed(recipe, optimizer, learning_rate, epochs, batch)
    console = Console(highlight=False)
    with Live(console, ["shadows", *names], recipe.epochs) as live:
        result = training.run(recipe, names, dtype=dtype, shipped=shipped, progress=live.show)
    if problem == "stock":
        stock.judge(result)
    training.save(result, path)
    console.print(training_tables.render(result))
    console.print(f"Saved in {path}", soft_wrap=True)
    explained = shipped or all(run["explained"] for run in result["runs"])
    return 0 if explained and not result["failed"] else 1


def _starts(
    names: list[str],
    count: int,
    path: Path,
    *,
    optimizer: str | None,
    learning_rate: float | None,
    epochs: int | None,
    batch: int | None,
    seed: int,
    dtype: str,
    shipped: bool,
    **_: Any,
) -> int:
    from rich.console import Console

    from impls.learning import recipes, starts, starts_show, training
    from impls.learning.live import Live

    recipe = recipes.changed(recipes.xor(seed), optimizer, learning_rate, epochs, batch)
    console = Console(highlight=False)
    with Live(console, names, recipe.epochs) as live:
        result = starts.run(recipe, count, names, dtype=dtype, progress=live.show)
    training.save(result, path)
    picture = path.with_suffix(".png")
    starts_show.draw(result, picture)
    console.print(starts_show.render(result))
    console.print(f"Saved in {path} and {picture}", soft_wrap=True)
    return 0 if result["agree"] and not result["failed"] else 1
