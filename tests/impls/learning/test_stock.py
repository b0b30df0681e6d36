"""The recipe `stock`: what it takes, how it splits and scales, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

pandas = pytest.importorskip("pandas")
pytest.importorskip("sklearn")

from samegrad.impls.errors import BadInput, Unavailable  # noqa: E402
from samegrad.impls.learning import shadows, stock  # noqa: E402
from samegrad.impls.learning.daily_rows import checked, read_csv  # noqa: E402
from samegrad.impls.learning.recipes import changed  # noqa: E402
from samegrad.impls.learning.stock import BATCH, prepare  # noqa: E402
from samegrad.impls.parameters import vector  # noqa: E402


def rows(count=60, seed=1):
    """Random days, oldest first."""
    random = np.random.default_rng(seed)
    opening = random.uniform(50, 100, count)
    frame = pandas.DataFrame({"date": pandas.date_range("2024-01-01", periods=count).strftime("%Y-%m-%d")})
    frame["open"], frame["close"] = opening, opening + random.normal(0, 1, count)
    frame["high"], frame["low"] = opening + 3, opening - 3 - random.uniform(0, 1, count)
    frame["volume"] = random.integers(1000, 9000, count)
    return frame


def written(frame, tmp_path, **how):
    path = tmp_path / "rows.csv"
    frame.to_csv(path, index=False, **how)
    return path


def test_the_default_data_are_the_rows_that_matplotlib_ships():
    """1,047 days in order, of which 837 are trained on, and batches of 32."""
    frame = stock.sample()
    assert len(frame) == 1047 and frame["date"].is_monotonic_increasing
    recipe = stock.recipe()
    assert (len(recipe.x), len(recipe.asked), recipe.batch, recipe.epochs) == (837, 210, 32, 100)
    assert recipe.problem.sizes == (4, 64, 32, 1) and recipe.problem.activations == ("relu", "relu", "identity")
    assert (recipe.settings.name, recipe.settings.learning_rate) == ("adam", 0.001)


def test_scales_are_those_of_the_training_part_alone():
    """Training rows fill [0, 1] in every column, and prices come back by the training part's range."""
    frame = rows(200)
    recipe = prepare(frame, "here", 3, "time", 32)
    train, test = frame[:160], frame[160:]
    for values in (*recipe.x.T, recipe.y[:, 0]):
        assert values.min() == 0 and abs(values.max() - 1) < 4 * 2**-52
    for column, name in enumerate(stock.FEATURES):
        low, high = train[name].min(), train[name].max()
        # A difference and a quotient of numbers of order 100, each rounded.
        np.testing.assert_allclose(recipe.asked[:, column], (test[name] - low) / (high - low), rtol=1e-13, atol=1e-13)
    assert recipe.facts["price_per_unit"] == pytest.approx(train["close"].max() - train["close"].min(), rel=1e-15)


def test_a_time_split_holds_out_the_last_fifth_and_a_shuffled_one_does_not():
    """Of days numbered by their opening price."""
    frame = rows(100)
    frame["open"] = np.arange(100, 200.0)
    held_out = {
        split: np.sort(np.round(prepare(frame, "here", 1, split, 32).asked[:, 0] * 79).astype(int))
        for split in stock.SPLITS
    }
    np.testing.assert_array_equal(held_out["time"], np.arange(80, 100))
    assert not np.array_equal(held_out["shuffled"], held_out["time"]) and len(held_out["shuffled"]) == 20


def test_rows_are_put_in_the_order_of_time(tmp_path):
    """Newest first, as services send them, other columns and capitals: the same recipe."""
    frame = rows()
    moved = frame[::-1].rename(columns=str.upper).rename(columns={"DATE": " Timestamp "}).assign(other="x")
    pandas.testing.assert_frame_equal(read_csv(written(moved, tmp_path)), read_csv(written(frame, tmp_path)))


def test_the_baselines_are_the_mean_and_the_least_squares_plane():
    """Against NumPy's own, in scaled and in price units."""
    recipe = prepare(rows(200), "here", 3, "shuffled", 32)
    targets = np.array(recipe.facts["targets"])
    plane, *_ = np.linalg.lstsq(np.hstack([recipe.x, np.ones((len(recipe.x), 1))]), recipe.y, rcond=None)
    linear = np.hstack([recipe.asked, np.ones((len(recipe.asked), 1))]) @ plane
    for name, prediction in (("mean of the training part", recipe.y.mean()), ("linear least squares", linear)):
        actual = recipe.facts["baselines"][name]
        assert actual["scaled_mse"] == pytest.approx(np.mean((prediction - targets) ** 2), rel=1e-9)
        residual = (prediction - targets) * recipe.facts["price_per_unit"]
        assert actual["price_rmse"] == pytest.approx(np.sqrt(np.mean(residual**2)), rel=1e-9)
        assert actual["price_mae"] == pytest.approx(abs(residual).mean(), rel=1e-9)


def test_a_short_training_beats_the_mean():
    """Ten epochs on the default data, by the textbook: held-out error below a hundredth of the mean's."""
    recipe = changed(stock.recipe(), epochs=10)
    theta, _ = shadows.descend(recipe, vector(recipe.parameters), "float64")
    predictions = shadows.numpy_trainer.predict(theta[-1], recipe.problem, recipe.asked)
    result = {"facts": recipe.facts, "runs": [{"predictions": predictions.tolist()}]}
    stock.judge(result)
    mean = recipe.facts["baselines"]["mean of the training part"]
    assert result["runs"][0]["held_out"]["scaled_mse"] < mean["scaled_mse"] / 100
    assert result["runs"][0]["held_out"]["price_rmse"] < mean["price_rmse"] / 10


def spoilt(**cells):
    frame = rows().astype(object)
    for name, value in cells.items():
        frame.loc[7, name] = value
    return frame


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (
            rows().drop(columns=["high", "volume"]),
            "has no column high, volume; it needs open, high, low, close, volume",
        ),
        (spoilt(close="twelve"), "line 9: close is 'twelve', which is no finite number"),
        (spoilt(open="inf"), "line 9: open is 'inf', which is no finite number"),
        (spoilt(volume=""), "line 9: volume is missing"),
        (spoilt(date="", open="", high="", low="", close="", volume=""), "line 9: open is missing"),
        (spoilt(low=-3), "line 9: low is -3, but must be positive"),
        (spoilt(date="yesterday"), "line 9: 'yesterday' is no date like 2024-01-31"),
        (spoilt(date="2024-01-02"), "line 9: 2024-01-02 is there for the second time"),
        (rows(0), "has a header but no rows"),
        (pandas.concat([rows(), rows()["close"]], axis="columns"), "has the column close twice"),
        (spoilt(date="2024-01-08T00:00:00+01:00"), "dates are of several time zones"),
    ],
)
def test_what_cannot_be_used_is_refused_by_line(frame, message, tmp_path):
    """Missing columns, words, gaps, impossible prices and dates: one line that says where and what."""
    with pytest.raises(BadInput, match=message) as refusal:
        read_csv(written(frame, tmp_path))
    assert "rows.csv" in str(refusal.value) and "\n" not in str(refusal.value)


def test_too_few_rows_and_columns_that_do_not_vary_are_refused():
    """With the number that is needed, and the column's name and value; exactly enough is enough."""
    with pytest.raises(BadInput, match=r"has 39 rows, of which 31 would be trained on; .* at least 40 rows"):
        prepare(checked(rows(39), "here"), "here", 1, "shuffled", BATCH)
    assert len(prepare(checked(rows(40), "here"), "here", 1, "shuffled", BATCH).x) == 32
    with pytest.raises(BadInput, match="volume is 5 in every row that is trained on"):
        prepare(checked(rows().assign(volume=5), "here"), "here", 1, "time", 32)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00binary\x80\x81", b'open,close\n"1,2\n3,4\n'])
def test_files_that_are_no_csv_are_refused(content, tmp_path):
    """Empty, binary, an open quote; and a file that is not there."""
    path = tmp_path / "rows.csv"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"rows\.csv"):
        read_csv(path)
    with pytest.raises(BadInput, match="no such file"):
        read_csv(tmp_path / "absent.csv")
    with pytest.raises(BadInput, match="not a readable CSV"):
        read_csv(tmp_path)


def test_two_sources_at_once_and_unknown_splits_are_refused(tmp_path):
    """Before anything is read."""
    with pytest.raises(BadInput, match="two sources"):
        stock.recipe(csv=tmp_path / "a.csv", symbol="IBM")
    with pytest.raises(BadInput, match="unknown split 'tim'"):
        stock.recipe(split="tim")


def test_without_its_libraries_it_says_what_to_install(monkeypatch):
    """The extra's name."""
    import sys

    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(Unavailable, match=r"stock needs sklearn: pip install .*\[stock\]"):
        stock.recipe()
