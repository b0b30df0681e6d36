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
from samegrad.reports import style
from samegrad.reports.figures.frame import MOST, encode
from samegrad.reports.material import gather
from samegrad.reports.parts import agreement, parts_of

STORED = Path(__file__).with_name("stored")
RUN = STORED / "format-1.json"
NAMES = ("time-per-call", "smallest-batch", "agreement")
"""The figures that are drawn of a run's groups, once per dtype and device."""
TOLERANCE = 1.0
"""Root mean square of the difference, of 255. One matplotlib draws the same bytes again (0); two exchanged colours make
2.5 to 22 on these pictures, measured. Hinting the glyphs otherwise makes 19 to 25, so that the comparison is between
pictures of one matplotlib version only."""


DRAW = """
import sys, hashlib
from samegrad.reports.material import gather
from samegrad.reports.report import contents
files = contents(gather([sys.argv[1]]))
print(hashlib.sha256(b"".join(content for _, content in sorted(files.items()))).hexdigest())
"""


def drawn(variables):
    """A digest of all that is drawn of a run where these variables are set, and of the text beside it."""
    done = subprocess.run(
        [sys.executable, "-c", DRAW, STORED / "format-1.json"],
        cwd=STORED.parents[2],
        env={key: value for key, value in os.environ.items() if key != "MPLBACKEND"} | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout, done.stderr


@pytest.fixture(scope="module")
def drawn_as_ever():
    digest, _ = drawn({})
    return digest


@pytest.mark.slow
@pytest.mark.parametrize(
    "theirs",
    [{"MPLBACKEND": "module://no.such"}, {"MPLBACKEND": "nonsense"}, {"MATPLOTLIBRC": "matplotlibrc"}],
    ids=lambda theirs: " ".join(theirs.values()),
)
def test_the_user_s_matplotlib_settings_change_nothing(theirs, tmp_path, drawn_as_ever):
    """A backend of a notebook that is not here, TeX that is not here, a style: the same bytes."""
    if "MATPLOTLIBRC" in theirs:
        theirs = {"MATPLOTLIBRC": str(tmp_path / "matplotlibrc")}
        (tmp_path / "matplotlibrc").write_text("text.usetex: True\nlines.linewidth: 9\n", encoding="utf-8")
    assert drawn(theirs) == (drawn_as_ever, "")


def many(count):
    """So many implementations, each of its own framework and a little slower than the one before."""
    return {f"f{i}-e{i}": (f"f{i}", f"e{i}", 1e3 * 1.04**i, 20) for i in range(count)}


def picture(figure, dpi=100):
    """The PNG of a figure, at 100 pixels per inch as the stored ones are."""
    with style.applied():
        return encode(figure.draw(), "figure", dpi)["figure.png"]


@pytest.fixture
def of_run(figures):
    """A figure of a run's first dtype and device, by its name."""

    def figure(path, name):
        return next(figure for stem, figure in figures(gather([path])).items() if stem.startswith(f"{name}-"))

    return figure


def difference(picture, expected, tmp_path):
    """matplotlib's RMS between the picture and a stored one; 0 where they are equal within the tolerance."""
    drawn_by = Image.open(expected).info["Software"]
    if not drawn_by.startswith(f"Matplotlib version{matplotlib.__version__},"):
        pytest.skip(f"the stored picture is by {drawn_by}, this is {matplotlib.__version__}; glyphs differ too much")
    actual = tmp_path / "found.png"
    actual.write_bytes(picture)
    result = compare_images(str(expected), str(actual), TOLERANCE, in_decorator=True)
    return result["rms"] if result else 0.0


@pytest.fixture(scope="module", params=range(1, RunDocument.VERSION + 1), ids=lambda number: f"format-{number}")
def stored(request):
    """The stored run and agreement of one format, drawn: {picture stored: PNG}."""
    parts = parts_of(gather(sorted(STORED.glob(f"*-{request.param}.json"))))
    return {f"format-{request.param}-{figure.name}.png": picture(figure) for part in parts for figure in part.figures}


@pytest.mark.slow
def test_a_stored_run_of_every_format_is_drawn_as_it_was(stored, tmp_path):
    """Within the tolerance, every picture is the one stored, and none is missing or new."""
    number = next(iter(stored)).split("-")[1]
    assert set(stored) == {path.name for path in STORED.glob(f"format-{number}-*.png")}
    apart = {name: difference(picture, STORED / name, tmp_path) for name, picture in stored.items()}
    assert apart == dict.fromkeys(stored, 0)


def test_the_comparison_sees_a_changed_colour_and_a_changed_number(tmp_path, figures):
    """Planted: two frameworks' colours exchanged; one τ of the table raised above 1."""
    material = gather([RUN])
    looks = material.looks
    names = [name for name in looks if name in ("numpy", "torch-eager")]
    looks.update(zip(names, [looks[name] for name in reversed(names)], strict=True))
    changed = picture(figures(material)["smallest-batch-float32-cpu"])
    assert difference(changed, STORED / "format-1-smallest-batch-float32-cpu.png", tmp_path) > TOLERANCE
    material = gather([RUN])
    for case in material.run.groups[0].cases:
        case.agreement.update(dict.fromkeys(case.agreement, 3.0))
    changed = picture(figures(material)["agreement-float32-cpu"])
    assert difference(changed, STORED / "format-1-agreement-float32-cpu.png", tmp_path) > TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_same_run_gives_the_same_bytes(name, of_run):
    """A committed sample changes only when the run or the drawing does."""
    with style.applied():
        first, second = (encode(of_run(RUN, name).draw(), "figure", dpi=50) for _ in range(2))
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
@pytest.mark.parametrize("name", NAMES)
def test_any_run_is_drawn(name, shape, make_run, write_run, recwarn, of_run):
    """One batch, one implementation, 200, names that look like formulas or markup: a picture, and no warning."""
    assert picture(of_run(write_run(make_run(**shape)), name), dpi=40).startswith(b"\x89PNG")
    assert not [str(warning.message) for warning in recwarn]


@pytest.mark.parametrize("name", NAMES[:2])
def test_a_case_with_one_round_in_each_launch_is_drawn(name, make_run, write_run, of_run):
    """There is hardly a spread, but the median is drawn."""
    content = make_run(problems=("line",), passes=("forward",))
    for benchmark in content["benchmarks"]:
        benchmark["stats"]["data"] = benchmark["stats"]["data"][:3]
        for launch in benchmark["extra_info"]["launches"]:
            launch["rounds"] = 1
    figure = of_run(write_run(content), name)
    assert picture(figure).startswith(b"\x89PNG")
    assert all(math.isfinite(row["median_ns"]) for row in figure.rows)


def test_without_agreement_there_is_no_such_figure(make_run, write_run):
    """Nothing recorded, nothing drawn."""
    content = make_run()
    for benchmark in content["benchmarks"]:
        del benchmark["extra_info"]["agreement"]
    assert agreement.part(gather([write_run(content)])) is None


def texts(figure):
    """Every text in a figure, in its panels and around them."""
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]


def test_a_bar_says_its_time_and_its_ratio_to_the_fastest(make_run, write_run, of_run):
    """2 µs against 1 µs reads `2.00 µs` and `2.00×`; the fastest has no ratio."""
    content = make_run(problems=("line",), passes=("forward",), batches=(4,))
    for benchmark, name in zip(content["benchmarks"], ("numpy", "numpy-tutorial"), strict=False):
        benchmark["stats"]["data"] = [1e-6 if name == "numpy" else 2e-6] * 60
    content["benchmarks"] = content["benchmarks"][:2]
    with style.applied():
        labels = texts(of_run(write_run(content), "smallest-batch").draw())
    assert {"1.00 µs", "2.00 µs", "2.00×"} <= set(labels) and "1.00×" not in labels


def test_every_figure_names_machine_threads_dtype_versions_and_date(make_run, write_run, of_run):
    """A picture torn out of its page still says what it shows; a noisy run says so."""
    content = make_run()
    content["samegrad"]["noise"] |= {"noisy": True, "reasons": ["yardstick"]}
    path = write_run(content)
    for name in NAMES:
        with style.applied():
            text = " ".join(texts(of_run(path, name).draw()))
        for what in (
            "AMD EPYC 7B13",
            "1 thread",
            "float32 on cpu",
            "torch 2.13.0",
            "2026-11-22 12:00",
            "NOISY run: yard",
        ):
            assert what in text, (name, what)


def test_figures_say_how_many_implementations_they_leave_out(make_run, write_run, of_run):
    """Of 30 the fastest 24 are drawn."""
    with style.applied():
        labels = texts(of_run(write_run(make_run(many(30), batches=(4,))), "time-per-call").draw())
    assert any(f"The fastest {MOST}; 6 more are in the table." in text for text in labels)
    assert "f0-e0" in labels and "f29-e29" not in labels


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_has_its_numbers_and_words(name, make_run, write_run, of_run):
    """The data rows cover every implementation, and the text alternative names them with their numbers."""
    content = make_run()
    figure = of_run(write_run(content), name)
    assert {row["implementation"] for row in figure.rows} == set(content["samegrad"]["implementations"])
    assert "keras-xla" in figure.words
