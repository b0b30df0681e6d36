"""The commands train, optimizers and explain at the front door: files, exit status, and one line for a mistake."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from samegrad.command_line import main


def invoke(*arguments):
    return CliRunner().invoke(main, list(arguments))


def test_train_shows_and_saves(tmp_path):
    """A table of losses every 1,000 epochs, the four predictions, and the curves in a file."""
    path = tmp_path / "xor.json"
    done = invoke("train", "xor", "--implementations", "numpy", "--epochs", "2500", "--json", str(path))
    assert done.exit_code == 0, done.output
    for text in ("    0  0.3321", "1,000  0.249", "2,000  0.244", "2,500", "Predictions at the end", "numpy follows"):
        assert text in done.output
    document = json.loads(path.read_text())
    assert document["format"] == "samegrad-training" and document["recipe"]["epochs"] == 2500
    assert len(document["runs"][0]["losses"]) == len(document["epochs"])


def test_line_is_shown_beside_least_squares(tmp_path):
    """At 0.3, 0.5 and 0.7."""
    done = invoke("train", "line", "--implementations", "numpy", "--json", str(tmp_path / "line.json"))
    assert done.exit_code == 0 and "least squares" in done.output
    assert all(f" {x} " in done.output for x in (0.3, 0.5, 0.7))


def test_stock_is_shown_beside_its_baselines(tmp_path):
    """Held-out errors in both units; the document has them per run."""
    pytest.importorskip("sklearn")
    path = tmp_path / "stock.json"
    done = invoke(
        "train", "stock", "--implementations", "numpy", "--epochs", "3", "--split", "time", "--json", str(path)
    )
    assert done.exit_code == 0, done.output
    assert (
        "mean of the training part" in done.output
        and "linear least squares" in done.output
        and "time split" in done.output
    )
    document = json.loads(path.read_text())
    mean = document["facts"]["baselines"]["mean of the training part"]["scaled_mse"]
    assert document["runs"][0]["held_out"]["scaled_mse"] < mean


def test_seeds_count_the_starts(tmp_path):
    """A table and a document."""
    path = tmp_path / "starts.json"
    done = invoke("train", "xor", "--seeds", "20", "--implementations", "numpy", "--json", str(path))
    assert done.exit_code == 0 and "The same starts converge in all" in done.output
    assert json.loads(path.read_text())["seeds"]["count"] == 20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "xorr"), "unknown recipe 'xorr'; allowed: xor, line, slides, stock. Did you mean 'xor'?"),
        (("train", "xor", "--csv", "x.csv"), "--csv belongs to stock"),
        (("train", "line", "--seeds", "5"), "--seeds belongs to xor"),
        (("train", "xor", "--implementations", "c-floor"), "unknown implementation that trains 'c-floor'"),
        (("train", "xor", "--optimizer", "adagrad"), "unknown optimizer 'adagrad'"),
        (("train", "xor", "--seeds", "5", "--optimizer", "adam"), "plain gradient descent"),
        (("train", "xor", "--seeds", "5", "--as-shipped"), "--as-shipped and --seeds do not go together"),
        (("train", "line", "--batch", "101"), "a minibatch of 101 rows is more than the 100"),
        (("train", "stock", "--csv", "absent.csv"), "absent.csv: no such file"),
        (("train", "xor", "--json", "no/such/folder/x.json"), "there is no folder no/such/folder"),
        (("optimizers", "--optimizer", "sdg"), "unknown optimizer 'sdg'"),
        (("explain", "line"), "unknown network to explain 'line'; allowed: slides, xor"),
        (("explain", "xor", "--x", "1,2,3", "--y", "1"), "--x takes 2 numbers for xor, found 3"),
    ],
)
def test_a_mistake_is_one_line(arguments, message, tmp_path, monkeypatch):
    """On standard error, exit status 2, nothing written."""
    if "stock" in arguments:
        pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    done = invoke(*arguments)
    assert done.exit_code == 2 and message in done.stderr and done.stderr.count("\n") == 1, done.output
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
