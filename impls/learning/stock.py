"""The recipe `stock`: a share's closing price from open, high, low and volume, 4-64-32-1 with ReLU and Adam.

Features and target are scaled to [0, 1] by the minimum and maximum of the training part alone, 80 % of the rows. Which
80 % matters: a `shuffled` split leaves out single days between days that were learnt, and flatters; a `time` split
leaves out the last fifth of the days, which is what a forecast would meet. Open, high and low of the same day almost
determine its close, so that least squares is hard to beat here: the data are for comparing frameworks, not for trading.

The default data are the 1,047 daily rows of one share, 2004 to 2008, that matplotlib ships among its sample data.
"""

from __future__ import annotations

from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from samegrad.impls.errors import BadInput, Unavailable, choose
from samegrad.impls.learning import alpha_vantage
from samegrad.impls.learning.daily_rows import FEATURES, TARGET, checked, read_csv
from samegrad.impls.learning.optimizers import Settings
from samegrad.impls.learning.recipes import Recipe
from samegrad.impls.parameters import Array, Layer, Parameters
from samegrad.impls.problem import SEED, Problem

if TYPE_CHECKING:
    import pandas

SIZES = (4, 64, 32, 1)
ACTIVATIONS = ("relu", "relu", "identity")
SAMPLE = "matplotlib's goog.npz"
SPLITS = ("shuffled", "time")
HELD_OUT = 0.2
EPOCHS, BATCH = 100, 32


def recipe(
    seed: int = SEED,
    *,
    csv: Path | None = None,
    symbol: str | None = None,
    split: str = "shuffled",
    batch: int | None = None,
) -> Recipe:
    """The recipe on the default data, on a CSV file, or on a symbol of Alpha Vantage.

    Raises BadInput for data that cannot be trained on, Unavailable without the libraries of the extra `stock`, or the
    network.
    """
    _need_libraries()
    choose("split", split, SPLITS)
    if csv is not None and symbol is not None:
        raise BadInput("--csv and --symbol are two sources; give one")
    if symbol is not None:
        csv = alpha_vantage.daily(symbol)
    frame, source = (read_csv(csv), str(symbol or csv)) if csv is not None else (sample(), SAMPLE)
    return prepare(frame, source, seed, split, BATCH if batch is None else batch)


def _need_libraries() -> None:
    try:
        import pandas  # noqa: F401
        import requests  # noqa: F401
        import sklearn  # noqa: F401
    except ImportError as error:
        raise Unavailable(f"stock needs {error.name}: pip install -c constraints.txt -e '.[stock]'") from None


def sample() -> pandas.DataFrame:
    """The rows that matplotlib ships, read without importing it."""
    import pandas

    spec = find_spec("matplotlib")
    if spec is None or spec.origin is None:
        raise Unavailable("stock's default data come with matplotlib: install it, or give your rows with --csv")
    with np.load(Path(spec.origin).parent / "mpl-data/sample_data/goog.npz", allow_pickle=False) as stored:
        rows = stored["price_data"]
    return checked(pandas.DataFrame({name: rows[name] for name in ("date", *FEATURES, TARGET)}), SAMPLE)


def prepare(frame: pandas.DataFrame, source: str, seed: int, split: str, batch: int) -> Recipe:
    """Split, scale, and judge the baselines. Raises BadInput for too few rows and for columns that do not vary."""
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import MinMaxScaler

    if len(frame) * (1 - HELD_OUT) < batch or len(frame) < 5:
        raise BadInput(
            f"{source}: has {len(frame)} rows, of which {int(len(frame) * (1 - HELD_OUT))} would be trained on; "
            f"a minibatch of {batch} needs at least {max(5, int(np.ceil(batch / (1 - HELD_OUT))))} rows"
        )
    shuffled = {"shuffle": True, "random_state": seed} if split == "shuffled" else {"shuffle": False}
    train, test = train_test_split(frame, test_size=HELD_OUT, **shuffled)
    for name in (*FEATURES, TARGET):
        if train[name].min() == train[name].max():
            raise BadInput(
                f"{source}: {name} is {train[name].iloc[0]:g} in every row that is trained on; "
                "a column that does not vary cannot be scaled to [0, 1]"
            )
    features, target = MinMaxScaler().fit(train[list(FEATURES)]), MinMaxScaler().fit(train[[TARGET]])
    x, held_out_x = (features.transform(part[list(FEATURES)]) for part in (train, test))
    y, held_out_y = (target.transform(part[[TARGET]]) for part in (train, test))
    price_per_unit = float(target.data_range_[0])
    facts = {
        "source": source,
        "split": split,
        "held_out_rows": len(test),
        "price_per_unit": price_per_unit,
        "targets": held_out_y.tolist(),
        "baselines": baselines(x, y, held_out_x, held_out_y, price_per_unit),
    }
    problem = Problem("stock", SIZES, ACTIVATIONS, lambda batch, seed: (x[:batch], y[:batch]))
    settings = Settings("adam", 0.001)
    return Recipe(problem, x, y, glorot(SIZES, seed), settings, EPOCHS, batch, seed, 10, held_out_x, facts=facts)


def glorot(sizes: tuple[int, ...], seed: int) -> Parameters:
    """Weights uniform on ±√(6/(fan_in + fan_out)), biases 0 (Glorot & Bengio 2010, equation 16)."""
    random = np.random.default_rng(seed)
    return [
        Layer(random.uniform(-1, 1, shape) * np.sqrt(6 / sum(shape)), np.zeros(shape[1])) for shape in pairwise(sizes)
    ]


def baselines(x: Array, y: Array, held_out_x: Array, held_out_y: Array, price_per_unit: float) -> dict[str, Any]:
    """The errors of two simple predictors on the rows left out of training: the mean, and linear least squares."""
    from sklearn.dummy import DummyRegressor
    from sklearn.linear_model import LinearRegression

    models = {"mean of the training part": DummyRegressor(strategy="mean"), "linear least squares": LinearRegression()}
    return {
        name: errors(model.fit(x, y).predict(held_out_x).reshape(-1, 1), held_out_y, price_per_unit)
        for name, model in models.items()
    }


def errors(predictions: Array, targets: Array, price_per_unit: float) -> dict[str, float]:
    """{"scaled_mse", "price_rmse", "price_mae"}: the price errors in the units of the price."""
    residual = np.asarray(predictions, np.float64) - np.asarray(targets, np.float64)
    mse = float(np.mean(residual**2))
    return {
        "scaled_mse": mse,
        "price_rmse": float(np.sqrt(mse) * price_per_unit),
        "price_mae": float(np.mean(abs(residual)) * price_per_unit),
    }


def judge(result: dict[str, Any]) -> None:
    """Add to each run of this recipe, as `held_out`, its errors on the rows that were left out of training."""
    facts = result["facts"]
    for run in result["runs"]:
        run["held_out"] = errors(run["predictions"], facts["targets"], facts["price_per_unit"])
