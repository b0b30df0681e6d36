"""The command `samegrad train`: one recipe, every framework, the same curve."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from samegrad.impls.console.options import Finite, GivenPath, json_option
from samegrad.impls.errors import BadInput, choose
from samegrad.impls.problem import DTYPES, SEED

if TYPE_CHECKING:
    from samegrad.impls.learning.recipes import Recipe

NAMES = ("xor", "line", "slides", "stock")


@click.command("train", context_settings={"max_content_width": 100})
@click.argument("problem", metavar="|".join(NAMES))
@click.option("--implementations", default="all", show_default=True, help="Names or patterns, comma-separated.")
@click.option(
    "--optimizer", help="sgd, momentum, nesterov, rmsprop, rmsprop-centered or adam.  [default: the recipe's]"
)
@click.option("--learning-rate", type=Finite(min=0, min_open=True), help="On the mean squared error.")
@click.option("--epochs", type=click.IntRange(1, 10**7))
@click.option("--batch", type=click.IntRange(min=1), help="Rows per minibatch.")
@click.option("--seed", default=SEED, show_default=True, type=click.IntRange(0, 2**32 - 1))
@click.option("--dtype", default="float64", show_default=True, type=click.Choice(DTYPES))
@click.option("--as-shipped", "shipped", is_flag=True, help="Each framework's own optimizer conventions, not aligned.")
@click.option(
    "--seeds", metavar="N", type=click.IntRange(1, 10**5), help="xor: how many of N starts converge, and when."
)
@click.option("--csv", "csv", type=GivenPath(), help="stock: your own daily rows.")
@click.option("--symbol", help="stock: fetch it from Alpha Vantage; the key is read from ALPHAVANTAGE_API_KEY.")
@click.option(
    "--split", type=click.Choice(["shuffled", "time"]), help="stock: which rows are held out.  [default: shuffled]"
)
@json_option("reports/trainings/…, or reports/starts")
def train_command(
    problem: str,
    implementations: str,
    dtype: str,
    shipped: bool,
    seeds: int | None,
    asked: str | None,
    csv: Path | None,
    symbol: str | None,
    split: str | None,
    seed: int,
    **changes: Any,
) -> None:
    """Train one problem by every framework, from the same weights on the same minibatches, and compare.

    Exit status: 0 all the same, 1 they part by more than rounding explains, 2 one of them failed.
    """
    from samegrad.impls.learning import recipes, starts
    from samegrad.impls.learning.trainer import select

    choose("recipe", problem, NAMES)
    _only("stock", problem, {"--csv": csv, "--symbol": symbol, "--split": split})
    _only("xor", problem, {"--seeds": seeds})
    if seeds is not None and shipped:
        raise BadInput("--as-shipped and --seeds do not go together: plain gradient descent has no other conventions")
    names = select(implementations) if seeds is None else select(implementations, starts.STARTERS)
    if problem == "stock":
        from samegrad.impls.learning import stock

        recipe = stock.recipe(seed, csv=csv, symbol=symbol, split=split or "shuffled", batch=changes["batch"])
    else:
        recipe = recipes.get_recipe(problem, seed)
    recipe = recipes.changed(recipe, **changes)
    if seeds is None:
        sys.exit(_train(recipe, names, asked, dtype, shipped))
    sys.exit(_starts(recipe, seeds, names, asked, dtype))


def _only(recipe: str, problem: str, given: dict[str, Any]) -> None:
    for option, value in given.items():
        if value is not None and problem != recipe:
            raise BadInput(f"{option} belongs to {recipe}; it means nothing for {problem}")


def _train(recipe: Recipe, names: list[str], asked: str | None, dtype: str, shipped: bool) -> int:
    from rich.console import Console

    from samegrad.impls.documents.learning import Training
    from samegrad.impls.documents.saving import deliver, place
    from samegrad.impls.learning import training, training_tables
    from samegrad.impls.learning.live import Live

    path = place(Training, asked)
    with Live(Console(stderr=path is None, highlight=False), ["shadows", *names], recipe.epochs) as live:
        result = training.run(recipe, names, dtype=dtype, shipped=shipped, progress=live.show)
    if recipe.problem.name == "stock":
        from samegrad.impls.learning import stock

        stock.judge(result)
    document = Training.of(result)
    shown = training_tables.render(document)
    deliver(lambda: document, path, asked, lambda: Console(highlight=False).print(shown))
    return _status(shipped or all(run.explained for run in document.runs), document.failed)


def _starts(recipe: Recipe, count: int, names: list[str], asked: str | None, dtype: str) -> int:
    from rich.console import Console

    from samegrad.impls.documents.learning import Starts
    from samegrad.impls.documents.saving import deliver, place
    from samegrad.impls.learning import starts, starts_show
    from samegrad.impls.learning.live import Live

    path = place(Starts, asked)
    with Live(Console(stderr=path is None, highlight=False), names, recipe.epochs) as live:
        document = Starts.of(starts.run(recipe, count, names, dtype=dtype, progress=live.show))
    deliver(lambda: document, path, asked, lambda: Console(highlight=False).print(starts_show.render(document)))
    return _status(document.agree, document.failed)


def _status(is_same: bool, failed: dict[str, str]) -> int:
    return 2 if is_same and failed else int(not is_same)
