"""`%%verify` and `check` in an IPython session, each in a process of its own; and the notebook that shows them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("IPython")

from samegrad.impls.verifying import cells
from samegrad.impls.verifying.report import RIGHT, UNKNOWN, WRONG

ROOT = Path(__file__).parents[3]
NOTEBOOK = ROOT / "docs" / "verify.ipynb"
SESSION = """
import json, sys
from traitlets.config import Config
from IPython.core.interactiveshell import InteractiveShell

config = Config()
config.HistoryManager.hist_file = ":memory:"
shell = InteractiveShell.instance(config=config)
seen = []
for cell in json.load(sys.stdin):
    before = shell.user_ns.get("_")
    ran = shell.run_cell(cell, store_history=True)
    error, shown = ran.error_before_exec or ran.error_in_exec, shell.user_ns.get("_")
    if shown is not before and hasattr(shown, "verdict"):
        seen.append([shown.verdict, shown.mistakes[0].name if shown.mistakes else "", repr(shown), str(shown)])
    else:
        seen.append(f"{type(error).__name__}: {error}" if error else None)
print("SEEN" + json.dumps(seen))
"""
FIRST = """import numpy as np
import samegrad
%load_ext samegrad
def sigmoid(z):
    return 1 / (1 + np.exp(-z))"""
WRONG_NET = """class Net:
    def __init__(self, n_in=2, n_hidden=4, n_out=1):
        self.W1, self.b1 = np.random.randn(n_in, n_hidden), np.zeros(n_hidden)
        self.W2, self.b2 = np.random.randn(n_hidden, n_out), np.zeros(n_out)
    def forward(self, x):
        self.a1 = sigmoid(x @ self.W1 + self.b1)
        return sigmoid(self.a1 @ self.W2 + self.b2)
    def train(self, x, y, lr=0.1):
        a2 = self.forward(x)
        d2 = (a2 - y) * a2 * (1 - a2)
        d1 = d2 @ self.W2.T
        self.W2 -= lr * self.a1.T @ d2; self.b2 -= lr * d2.sum(axis=0)
        self.W1 -= lr * x.T @ d1; self.b1 -= lr * d1.sum(axis=0)
"""
RIGHT_NET = WRONG_NET.replace("d2 @ self.W2.T", "d2 @ self.W2.T * self.a1 * (1 - self.a1)")
LINE = """def gradients(x, y, W1, b1):
    a = sigmoid(x @ W1 + b1)
    d = (a - y) * a * (1 - a)
    return x.T @ d, d.sum(axis=0)
"""


def session(*given: str, folder: Path = ROOT) -> list:
    """What each cell gives, run one after the other in one IPython: [verdict, mistake, repr, str] of a report."""
    done = subprocess.run(
        [sys.executable, "-c", SESSION],
        input=json.dumps(given),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "SEEN" in done.stdout, done.stderr
    return json.loads(done.stdout.rpartition("SEEN")[2])


def magic(line: str, cell: str) -> str:
    return f"get_ipython().run_cell_magic('verify', {line!r}, {cell!r})"


@pytest.mark.slow
def test_the_magic_checks_what_its_cell_defines():
    _, wrong, hinted, right, own_loss = session(
        FIRST,
        magic("", WRONG_NET),
        magic("--hint Net", WRONG_NET),
        magic("Net", RIGHT_NET),
        magic("--loss my_loss --sizes 3-4-1", "my_loss = lambda a, y: ((a - y) ** 2).sum() / 2\n" + RIGHT_NET),
    )
    assert wrong[:2] == [WRONG, "slope-none-hidden"]
    assert wrong[2].startswith("WRONG: the slope σ′(z) is missing in the hidden layer")
    assert hinted[:2] == [WRONG, "slope-none-hidden"]
    assert hinted[2].startswith("WRONG: look at your equation for δ1") and "slope" not in hinted[3]
    assert right[0] == RIGHT
    assert own_loss[0] == RIGHT and "your own loss" in own_loss[2]


@pytest.mark.slow
def test_as_it_is_typed():
    """A cell that begins with %%verify is in the history as such, and its report is displayed and kept as `_`."""
    _, typed, defined, timed, then = session(
        FIRST, "%%verify\n" + WRONG_NET, "samegrad.check(Net)", "%%time\n" + RIGHT_NET, "samegrad.check(Net)"
    )
    assert (typed[0], defined[0], timed, then[0]) == (WRONG, WRONG, None, RIGHT)


def test_what_cannot_be_checked_is_reported_in_one_line():
    seen = session(
        FIRST,
        magic("--bogus", LINE),
        magic("nothing", LINE),
        magic("", "x = 3"),
        magic("", LINE + "\n" + LINE.replace("gradients", "grads")),
        magic("--sizes three", LINE),
        magic("--loss bogus", LINE),
        magic("'", LINE),
        magic("", "raise ValueError('theirs')"),
        magic("--help", LINE),
        "samegrad.check(print)",
    )[1:]
    expected = [
        "UsageError: %%verify: No such option",
        "UsageError: %%verify: nothing is not defined",
        "UsageError: %%verify: say what to check, as %%verify NAME; the cell defines nothing",
        "UsageError: %%verify: say what to check, as %%verify NAME; the cell defines gradients, grads",
        "UsageError: %%verify: --sizes",
        "UsageError: %%verify: unknown loss 'bogus'",
        "UsageError: %%verify: No closing quotation",
        None,
        None,
        "BadInput: the source of print is unavailable",
    ]
    for output, wanted in zip(seen, expected, strict=True):
        assert output == wanted or output.startswith(wanted)


@pytest.mark.slow
def test_live_things_of_a_session(tmp_path):
    (tmp_path / "helpers.py").write_text("import numpy as np\ndef sigmoid(z):\n    return 1 / (1 + np.exp(-z))\n")
    *_, fine, net, stale, method, in_file, listed = session(
        "import numpy as np\nimport samegrad\nfrom helpers import sigmoid\nhere = !pwd",
        "def broken(:",
        "%%bash\nclass Nothing",
        LINE,
        RIGHT_NET,
        "net = Net()",
        "samegrad.check(gradients)",
        "samegrad.check(net)",
        RIGHT_NET + "\nsamegrad.check(net)",
        "report = samegrad.check(net.train, loss='half-sse')\nreport",
        "samegrad.check(sigmoid)",
        "samegrad.check([gradients])",
        folder=tmp_path,
    )
    assert fine[0] == net[0] == stale[0] == method[0] == RIGHT
    assert "An object was given" in net[3] and "defined anew" not in net[3]
    assert "Net has been defined anew since this one was" in " ".join(stale[3].split())
    assert in_file[0] == UNKNOWN
    assert "BadInput" in listed


@pytest.mark.slow
def test_a_traceback_names_the_cell():
    text = LINE.replace("a = sigmoid", "a = undefined_thing")
    _, typed, run = session(FIRST, text, "samegrad.check(gradients)")
    assert typed is None
    assert run[0] == UNKNOWN
    assert "Cell In[2], line 2" in run[3] and "cells.ipynb" not in run[3]
    _, here = session(FIRST, magic("", text))
    assert "This cell, line 3" in here[3]  # of which the first is the magic's


def test_outside_a_session_there_are_no_cells():
    assert cells.run_so_far() == [] and cells.namespace() == {}
    assert cells.run_so_far(["%%verify Net\nx = 1", "%%bash\nls", "def broken(:"]) == [cells.Cell(None, "#\nx = 1")]


# -- the worked example -----------------------------------------------------------------------------------------------


def verdicts(notebook) -> list[str]:
    """The first words of every report, and all that is printed."""
    actual = []
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            actual.append(data.get("text/plain", output.get("text", "")) if "text/html" not in data else
                         data["text/plain"].split(". Margin")[0].splitlines()[0])  # fmt: skip
    return actual


@pytest.mark.slow
def test_the_notebook_does_what_it_shows():
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    stored = nbformat.read(NOTEBOOK, as_version=4)
    run = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(run, timeout=300, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    assert verdicts(run) == verdicts(stored)
    first_words = [output.split()[0] for output in verdicts(stored)]
    assert first_words == ["WRONG:", "RIGHT", "('right',", "ada", "WRONG:"]
    assert NOTEBOOK.stat().st_size < 40_000
