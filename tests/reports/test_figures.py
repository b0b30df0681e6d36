"""The figures look as they did when somebody last looked at them, and draw whatever a run file holds.

`stored/` keeps a run file of every format and the pictures drawn from it. After a wanted change, look at the new
pictures and store them with `python tests/reports/store_pictures.py`.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest
from matplotlib.testing.compare import compare_images
from PIL import Image

from samegrad.benchmarks.documents.run import RunDocument
from samegrad.reports import runs, style
from samegrad.reports.figures import FIGURES, agreement, batches, smallest
from samegrad.reports.figures.frame import MOST, encode
from samegrad.reports.material import gather
from samegrad.reports.report import drawings

STORED = Path(__file__).with_name("stored")
TOLERANCE = 1.0
"""Root mean square of the difference, of 255. One matplotlib draws the same bytes again (0); two exchanged colours make
2.5 to 22 on these pictures, measured. Hinting the glyphs otherwise makes 19 to 25, so that the comparison is between
pictures of one matplotlib version only."""


DRAW = """
import sys, hashlib
from samegrad.reports.material import gather
from samegrad.reports.report import figures
files = figures(gather([sys.argv[1]]))
print(hashlib.sha256(b"".join(content for _, content in sorted(files.items()))).hexdigest())
"""


@pytest.mark.parametrize(
    "theirs",
    [{"MPLBACKEND": "module://no.such"}, {"MPLBACKEND": "nonsense"}, {"MATPLOTLIBRC": "matplotlibrc"}],
    ids=lambda theirs: " ".join(theirs.values()),
)
def test_the_user_s_matplotlib_settings_change_nothing(theirs, tmp_path):
    """A backend of a notebook that is not here, TeX that is not here, a style: the same bytes."""
    if "MATPLOTLIBRC" in theirs:
        theirs = {"MATPLOTLIBRC": str(tmp_path / "matplotlibrc")}
        (tmp_path / "matplotlibrc").write_text("text.usetex: True\nlines.linewidth: 9\n", encoding="utf-8")
    drawn = [
        subprocess.run(
            [sys.executable, "-c", DRAW, STORED / "format-1.json"],
            cwd=STORED.parents[2],
            env={key: value for key, value in os.environ.items() if key != "MPLBACKEND"} | variables,
            capture_output=True,
            text=True,
            check=True,
        )
        for variables in ({}, theirs)
    ]
    assert drawn[0].stdout == drawn[1].stdout and not drawn[1].stderr


def many(count):
    """So many implementations, each of its own framework and a little slower than the one before."""
    return {f"f{i}-e{i}": (f"f{i}", f"e{i}", 1e3 * 1.04**i, 20) for i in range(count)}


def picture(figure, run, looks=None, dpi=100):
    """The PNG of a figure, at 100 pixels per inch as the stored ones are."""
    with style.applied():
        drawn = figure.draw(run, run.select(*run.settings[0]), looks or style.looks(run.implementations))
        return encode(drawn, "figure", dpi)["figure.png"]


def difference(picture, expected, tmp_path):
    """matplotlib's RMS between the picture and a stored one; 0 where they are equal within the tolerance."""
    drawn_by = Image.open(expected).info["Software"]
    if not drawn_by.startswith(f"Matplotlib version{matplotlib.__version__},"):
        pytest.skip(f"the stored picture is by {drawn_by}, this is {matplotlib.__version__}; glyphs differ too much")
    found = tmp_path / "found.png"
    found.write_bytes(picture)
    result = compare_images(str(expected), str(found), TOLERANCE, in_decorator=True)
    return result["rms"] if result else 0.0


@pytest.fixture(scope="module", params=range(1, RunDocument.VERSION + 1), ids=lambda number: f"format-{number}")
def stored(request):
    """The stored run and agreement of one format, drawn: {picture stored: PNG}."""
    with style.applied():
        found = drawings(gather(sorted(STORED.glob(f"*-{request.param}.json"))))
        return {
            f"format-{request.param}-{stem}.png": encode(figure, "figure", dpi=100)["figure.png"]
            for stem, (figure, _) in found.items()
        }


@pytest.mark.slow
def test_a_stored_run_of_every_format_is_drawn_as_it_was(stored, tmp_path):
    """Within the tolerance, every picture is the one stored, and none is missing or new."""
    number = next(iter(stored)).split("-")[1]
    assert set(stored) == {path.name for path in STORED.glob(f"format-{number}-*.png")}
    apart = {name: difference(picture, STORED / name, tmp_path) for name, picture in stored.items()}
    assert apart == dict.fromkeys(stored, 0)


def test_the_comparison_sees_a_changed_colour_and_a_changed_number(tmp_path):
    """Planted: two frameworks' colours exchanged; one τ of the table raised above 1."""
    run = runs.read(STORED / "format-1.json")
    looks = style.looks(run.implementations)
    names = [name for name in looks if name in ("numpy", "torch-eager")]
    looks.update(zip(names, [looks[name] for name in reversed(names)], strict=True))
    expected = STORED / f"format-1-{smallest.NAME}-float32-cpu.png"
    assert difference(picture(smallest, run, looks), expected, tmp_path) > TOLERANCE
    for case in run.groups[0].cases:
        case.agreement.update(dict.fromkeys(case.agreement, 3.0))
    assert (
        difference(picture(agreement, run), STORED / f"format-1-{agreement.NAME}-float32-cpu.png", tmp_path) > TOLERANCE
    )


@pytest.mark.slow
@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.NAME)
def test_the_same_run_gives_the_same_bytes(figure):
    """A committed sample changes only when the run or the drawing does."""
    run = runs.read(STORED / "format-1.json")
    with style.applied():
        drawings = [figure.draw(run, run.groups, style.looks(run.implementations)) for _ in range(2)]
        first, second = (encode(drawn, "figure", dpi=50) for drawn in drawings)
    assert first == second


@pytest.mark.slow
@pytest.mark.parametrize(
    "shape",
    [
        {"problems": ("line",), "passes": ("forward",), "batches": (1,)},
        {"implementations": {"solo": ("mlx", "eager", 1e3, 1)}, "problems": ("line",), "batches": (7,)},
        {
            "implementations": {f"f{i}-e{i}": (f"f{i}", f"e{i}", 1e3 * 1.04**i, 20) for i in range(200)},
            "passes": ("forward",),
            "batches": (4,),
        },
        {
            "implementations": {"$\\frac{": ("$x$", "%", 1e3, 1), "网络<script>" * 9: ("<b>", "&", 2e3, 1)},
            "passes": ("forward",),
        },
        {"problems": ("line",), "passes": ("forward",), "batches": (1, 2, 3, 4, 8, 16, 1000, 1024, 1_000_000)},
    ],
    ids=["one-batch", "one-implementation", "two-hundred", "hostile-names", "many-batches"],
)
@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.NAME)
def test_any_run_is_drawn(figure, shape, make_run, write_run, recwarn):
    """One batch, one implementation, 200, names that look like formulas or markup: a picture, and no warning."""
    run = runs.read(write_run(make_run(**shape)))
    assert picture(figure, run, dpi=40).startswith(b"\x89PNG")
    assert not [str(warning.message) for warning in recwarn]


@pytest.mark.parametrize("figure", [batches, smallest], ids=lambda figure: figure.NAME)
def test_a_case_with_one_round_in_each_launch_is_drawn(figure, make_run, write_run):
    """There is hardly a spread, but the median stands."""
    content = make_run(problems=("line",), passes=("forward",))
    for benchmark in content["benchmarks"]:
        benchmark["stats"]["data"] = benchmark["stats"]["data"][:3]
        for launch in benchmark["extra_info"]["launches"]:
            launch["rounds"] = 1
    run = runs.read(write_run(content))
    assert picture(figure, run).startswith(b"\x89PNG")
    assert all(math.isfinite(row["median_ns"]) for row in figure.rows(run.groups))


def test_without_agreement_there_is_no_such_figure(make_run, write_run):
    """Nothing recorded, nothing drawn."""
    content = make_run()
    for benchmark in content["benchmarks"]:
        del benchmark["extra_info"]["agreement"]
    run = runs.read(write_run(content))
    assert agreement.draw(run, run.groups, style.looks(run.implementations)) is None


def texts(figure):
    """Every text in a figure, in its panels and around them."""
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]


def test_a_bar_says_its_time_and_its_ratio_to_the_fastest(make_run, write_run):
    """2 µs against 1 µs reads `2.00 µs` and `2.00×`; the fastest has no ratio."""
    content = make_run(problems=("line",), passes=("forward",), batches=(4,))
    for benchmark, name in zip(content["benchmarks"], ("numpy", "numpy-tutorial"), strict=False):
        benchmark["stats"]["data"] = [1e-6 if name == "numpy" else 2e-6] * 60
    content["benchmarks"] = content["benchmarks"][:2]
    run = runs.read(write_run(content))
    with style.applied():
        found = texts(smallest.draw(run, run.groups, style.looks(run.implementations)))
    assert {"1.00 µs", "2.00 µs", "2.00×"} <= set(found) and "1.00×" not in found


def test_every_figure_names_machine_threads_dtype_versions_and_date(make_run, write_run):
    """A picture torn out of its page still says what it shows; a noisy run says so."""
    content = make_run()
    content["samegrad"]["noise"] |= {"noisy": True, "reasons": ["yardstick"]}
    run = runs.read(write_run(content))
    for figure in FIGURES:
        with style.applied():
            said = " ".join(texts(figure.draw(run, run.groups, style.looks(run.implementations))))
        for what in (
            "AMD EPYC 7B13",
            "1 thread",
            "float32 on cpu",
            "torch 2.13.0",
            "2026-11-22 12:00",
            "NOISY run: yard",
        ):
            assert what in said, (figure.NAME, what)


def test_figures_say_how_many_implementations_they_leave_out(make_run, write_run):
    """Of 30 the fastest 24 are drawn."""
    run = runs.read(write_run(make_run(many(30), batches=(4,))))
    with style.applied():
        found = texts(batches.draw(run, run.groups, style.looks(run.implementations)))
    assert any(f"The fastest {MOST}; 6 more are in the table." in text for text in found)
    assert "f0-e0" in found and "f29-e29" not in found


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.NAME)
def test_a_figure_has_its_numbers_and_words(figure, make_run, write_run):
    """The data rows cover every implementation, and the text alternative names them with their numbers."""
    run = runs.read(write_run(make_run()))
    assert {row["implementation"] for row in figure.rows(run.groups)} == set(run.implementations)
    assert "keras-xla" in figure.describe(run.groups)
