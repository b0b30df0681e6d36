"""The page in a real browser: every control, width and theme, keyboard and print, and nothing in the console."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path

import pytest

from samegrad.benchmarks.results import units
from samegrad.reports import labels
from samegrad.reports.material import gather
from samegrad.reports.page import chart_data
from tests.reports.drawn import render

STORED = Path(__file__).with_name("stored")
DOCUMENTS = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(STORED.glob("[!f]*-1.json"))]
"""One document of every kind that is shown beside a run."""
AXE = Path(__file__).with_name("vendor") / "axe.min.js"
WIDTHS = (390, 820, 1440)


SMALL = {"problems": ("xor",), "passes": ("value_and_grad",), "batches": (4, 64)}


def fits():
    """Two fits of two passes each, as a run file has them."""
    rest = {"per_row_interval_ns": None, "half_batch": None, "statement": "a line"}
    described = {"fit": {"t0_ns": 2e3, "t0_interval_ns": [1e3, 3e3], "per_row_ns": 3.0, "describes": True, **rest}}
    other = {"fit": {"t0_ns": 8e3, "t0_interval_ns": [7e3, 9e3], "per_row_ns": 5.0, "describes": False, **rest}}
    case = {"problem": "xor", "dtype": "float32", "device": "cpu"}
    implementations = {"numpy": described, "torch-eager": other}
    return [{**case, "pass": pass_, "implementations": implementations} for pass_ in ("forward", "value_and_grad")]


@pytest.fixture
def opened(browser, tmp_path, write_run, make_run):
    """Open the page of the given runs (a synthetic one by default) and return the browser."""

    def open_page(*contents, width=1440, mode="light", media=""):
        paths = [write_run(content, f"run{n}.json") for n, content in enumerate(contents or [make_run()])]
        path = tmp_path / "report.html"
        path.write_text(render(gather(paths)), encoding="utf-8")
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        features = [
            {"name": "prefers-color-scheme", "value": mode},
            {"name": "prefers-reduced-motion", "value": "reduce"},  # a click must not meet a page that still scrolls
        ]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
        browser.get_log("browser"), browser.get_log("performance")
        browser.get(path.as_uri())
        return browser

    yield open_page
    assert [entry["message"] for entry in browser.get_log("browser")] == []
    asked = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = [m["params"]["request"]["url"] for m in asked if m["method"] == "Network.requestWillBeSent"]
    assert all(url.startswith(("file:", "data:", "blob:")) for url in urls), urls


def choose(browser, select, value):
    """Choose an option as a person does: the browser sends the events."""
    from selenium.webdriver.support.select import Select

    Select(browser.find_element("id", select)).select_by_value(value)


def chart(browser):
    """All that the chart shows."""
    return browser.execute_script("return document.querySelector('#chart svg').outerHTML")


def texts(browser, selector):
    return [node.text for node in browser.find_elements("css selector", selector)]


def test_every_choice_of_the_chart_changes_what_it_shows(opened, make_run):
    """Problem, pass, dtype, axes, absolute or relative: each option draws another picture."""
    page = opened(make_run(dtypes=("float32", "float64")))
    for name in ("problem", "pass", "setting", "show", "scale"):
        options = page.execute_script(
            f"return [...document.getElementById('chart-{name}').options].map((o) => o.value)"
        )
        before, seen = page.execute_script("return state[arguments[0]]", name), set()
        for value in options:
            choose(page, f"chart-{name}", value)
            seen.add(chart(page))
        assert len(seen) == len(options) > 1, name
        choose(page, f"chart-{name}", before)


def test_the_chart_draws_the_run_s_numbers(opened, make_run):
    """Relative to numpy, numpy itself is 1 everywhere and the caption has the file's ratios."""
    content = make_run()
    page = opened(content)
    choose(page, "chart-show", "numpy")
    caption = page.find_element("id", "chart-caption").text
    group = next(g for g in content["samegrad"]["groups"] if g["pass"] == "value_and_grad" and g["batch"] == 4)
    for row in group["rows"]:
        assert f"{row['implementation']} {units.ratio(row['ratio'])}×" in caption


def test_hidden_implementations_leave_the_chart_and_come_back(opened):
    """A checkbox per implementation."""
    page = opened()
    boxes = page.find_elements("css selector", "#series input")
    assert len(boxes) == len(texts(page, "#chart .label")) == 5
    boxes[0].click()
    assert "numpy" not in texts(page, "#chart .label")
    for box in boxes[1:]:
        box.click()
    assert "all is hidden" in page.find_element("id", "chart").text
    boxes[0].click()
    assert texts(page, "#chart .label") == ["numpy"]


def test_a_ratio_and_its_interval_are_one_below_the_other(opened, make_run):
    """In cells of numbers, which else are on one line."""
    page = opened(make_run(problems=("xor",), passes=("forward", "forward:host"), batches=(4,)))
    cell = page.find_element("css selector", "#variants-1 td.number.lines")
    assert re.fullmatch(r"1\.\d+×\n\S+ to \S+", cell.text)


def test_all_lines_are_hidden_and_shown_at_once(opened, make_run):
    """By one button, which names what it does; the boxes follow."""
    page = opened(make_run(**SMALL))
    button = page.find_element("css selector", "#series button")
    assert button.text == "Hide all"
    button.click()
    assert not texts(page, "#chart .label") and button.text == "Show all"
    assert not any(box.is_selected() for box in page.find_elements("css selector", "#series input"))
    button.click()
    assert len(texts(page, "#chart .label")) == 5


def test_figures_have_their_words_and_their_points_where_the_numbers_are(opened, make_run):
    """A figure of the fits: every implementation is named in it as text, and 2 µs is left of 8 µs."""
    content = make_run(problems=("xor",), passes=("forward", "value_and_grad"), batches=(4, 64))
    content["samegrad"]["fits"] = fits()
    page = opened(content)
    figure = page.find_element("css selector", "#fits .drawn svg")
    assert "numpy 2.00 µs and 3.00 ns a row" in figure.get_attribute("aria-label")
    labels = {node.text: node.rect["x"] for node in figure.find_elements("css selector", "text")}
    assert {"numpy", "torch-eager", "xor forward: fixed cost t0"} <= set(labels)
    assert labels["2.00 µs"] < labels["8.00 µs"]


def test_figures_follow_the_page_into_the_dark(opened, make_run):
    """Their texts have the page's colour, by day and by night."""
    content = make_run(**SMALL)
    content["samegrad"]["fits"] = fits()
    seen = set()
    for mode in ("light", "dark"):
        page = opened(content, mode=mode)
        title = next(
            node for node in page.find_elements("css selector", "#fits .drawn text") if "fixed cost" in node.text
        )
        colours = [page.execute_script("return getComputedStyle(arguments[0]).fill", title)]
        colours.append(page.execute_script("return getComputedStyle(document.body).color"))
        assert colours[0] == colours[1]
        seen.add(colours[0])
    assert len(seen) == 2


def test_runs_side_by_side_have_their_numbers(opened, make_run):
    """A column per run, a row per case; twice the time is twice the number."""
    page = opened(make_run(**SMALL), make_run(**SMALL, factor=2.0))
    page.execute_script("document.getElementById('side-by-side').closest('details').open = true")
    headings = texts(page, "#side-by-side thead th")
    assert len(headings) == 7 and len(texts(page, "#side-by-side tbody tr")) == 10
    values = page.execute_script(
        """return [...document.querySelectorAll('#side-by-side tbody tr')].map(
            (row) => row.cells[6].dataset.value / row.cells[5].dataset.value)"""
    )
    assert values == pytest.approx([2.0] * 10, rel=1e-3)


def test_the_chart_s_data_are_those_that_it_shows(opened, make_run):
    """The link follows the chosen problem and pass, variants too."""
    page = opened(make_run(passes=("value_and_grad", "forward:host"), batches=(4, 64)))
    link = page.find_element("css selector", "#times figure a.data")
    for problem, pass_ in (("xor", "value_and_grad"), ("line", "value_and_grad"), ("line", "forward:host")):
        choose(page, "chart-problem", problem)
        choose(page, "chart-pass", pass_)
        caption = page.execute_script(
            "return document.getElementById(arguments[0]).caption.textContent", link.get_attribute("data-table")
        )
        assert caption.startswith(f"{problem} {pass_.replace(':host', ', input from the host')} · ")
        assert texts(page, "#bars-where")[0].startswith(f"{problem} {pass_.partition(':')[0]}")


def test_the_keyboard_reaches_the_chart_s_points(opened):
    """Arrow keys step through them, and each is read out with its numbers."""
    from selenium.webdriver.common.keys import Keys

    page = opened()
    plot, readout = page.find_element("id", "chart"), page.find_element("id", "readout")
    plot.send_keys(Keys.ARROW_RIGHT)
    assert readout.text.startswith("numpy, batch 256: ") and "10th to 90th percentile" in readout.text
    plot.send_keys(Keys.ARROW_DOWN)
    assert readout.text.startswith("numpy-tutorial, batch 256: ")


def test_the_pointer_reads_out_the_nearest_point(opened):
    """And its line is drawn before the others."""
    from selenium.webdriver import ActionChains

    page = opened()
    marker = page.find_elements("css selector", "#chart .marker")[0]
    ActionChains(page).move_to_element(marker).perform()
    assert page.find_element("id", "readout").text.startswith("numpy, batch 4: ")
    assert page.find_elements("css selector", "#chart .faded")


def test_the_pairs_drawn_by_the_script_are_those_of_the_template(opened, make_run):
    """The first table comes from Python and works without a script; the script's own must be the same, and follow the
    choice of the batch."""
    content = make_run()
    page = opened(content)
    rows = """return [...document.querySelectorAll('#pairs-table tbody tr')].map(
        (row) => [...row.cells].map((cell) => cell.textContent))"""
    drawn = page.execute_script(rows)
    source = Path(page.current_url.removeprefix("file://")).read_text(encoding="utf-8")
    static = page.execute_script(
        "const d = new DOMParser().parseFromString(arguments[0], 'text/html');" + rows.replace("document", "d"), source
    )
    assert drawn == static and len(drawn) == 10
    choose(page, "pairs-batch", "16384")
    assert page.execute_script(rows) != drawn
    assert page.find_element("css selector", "#pairs-table caption").text.endswith("batch 16,384, float32 on cpu")
    assert page.find_element("id", "bars-batch").get_attribute("value") == "16384"


def test_tables_sort_both_ways_by_number(opened):
    """9 µs before 10 µs, and the header says which way."""
    page = opened()
    page.execute_script("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    button = page.find_element("css selector", "#times-1 th:nth-child(3) button")
    values = (
        "return [...document.querySelectorAll('#times-1 tbody td:nth-child(3)')].map((c) => Number(c.dataset.value))"
    )
    button.click()
    assert (actual := page.execute_script(values)) == sorted(actual)
    button.click()
    assert page.execute_script(values) == actual[::-1]
    header = page.find_element("css selector", "#times-1 th:nth-child(3)")
    assert header.get_attribute("aria-sort") == "descending"


def test_every_data_link_gives_the_whole_table(opened, make_run):
    """As CSV, in full precision, a row per row."""
    page = opened(make_run(), make_run(seed=2))
    page.execute_script("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    links = page.find_elements("css selector", "a.data")
    assert len(links) > 8
    for link in links:
        table = link.get_attribute("data-table")
        link.click()
        assert link.get_attribute("href").startswith("blob:") and link.get_attribute("download").endswith(".csv")
        values = page.execute_script("return commaSeparated(document.getElementById(arguments[0]))", table)
        rows = page.execute_script("return document.getElementById(arguments[0]).tBodies[0].rows.length", table)
        assert len(values.splitlines()) == rows + 1


def test_curves_are_drawn_for_every_case(opened, make_run):
    """Drift by problem and dtype; training's loss, its difference, the parameters' distance: each its own panel."""
    page = opened(make_run(**SMALL), *DOCUMENTS)
    for part, titles in (
        ("drift", ["xor · float32", "xor · float64", "line · float32", "line · float64"]),
        ("training", ["loss", "difference from the reference's loss", "farthest parameter from the reference's"]),
    ):
        actual = texts(page, f"#{part} .drawn:first-of-type text")
        assert [text for text in actual if text in titles] == titles
        assert actual.count("numpy") >= len(titles) <= actual.count("torch-eager")


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_overflows_and_no_labels_overlap(opened, make_run, width, mode):
    """At a phone's, a tablet's and a desk's width, in light and dark, with a ladder of a dozen implementations."""
    many = {f"framework{i % 4}-rung{i}": (f"framework{i % 4}", f"rung{i}", 1e3 * 1.3**i, 20 - i) for i in range(12)}
    content = make_run(many, passes=("value_and_grad", "value_and_grad:host"), batches=(4, 64))
    content["samegrad"]["fits"] = fits()
    page = opened(content, content, *DOCUMENTS, width=width, mode=mode)
    page.execute_script("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    assert page.execute_script("return document.documentElement.scrollWidth") <= width
    boxes = page.execute_script(
        """return [...document.querySelectorAll("#chart .label")].map(
            (label) => label.getBoundingClientRect().toJSON())"""
    )
    assert len(boxes) == 12 and all(box["right"] <= width and box["left"] >= 0 for box in boxes)
    for a, b in combinations(sorted(boxes, key=lambda box: box["y"]), 2):
        assert a["y"] + a["height"] <= b["y"] + 3, "glyph boxes have 3 px of air above and below their letters"


def test_dark_and_light_follow_the_system_until_the_reader_chooses(opened):
    """The button names what it gives."""
    background = "return getComputedStyle(document.body).backgroundColor"
    page = opened(mode="dark")
    assert page.execute_script(background) == "rgb(20, 24, 29)"
    button = page.find_element("id", "theme")
    assert button.text == "Light"
    button.click()
    assert page.execute_script(background) == "rgb(255, 255, 255)" and button.text == "Dark"


@pytest.mark.parametrize(("width", "mode"), [(390, "dark"), (1440, "light")])
def test_axe_finds_no_violation(opened, make_run, width, mode):
    """axe-core with all its rules (WCAG 2.2 A and AA and best practices), everything unfolded."""
    content = make_run(problems=("xor",), passes=("value_and_grad", "value_and_grad:host"), batches=(4, 64))
    content["samegrad"]["groups"][0]["dropped"] = [{"launch": 1, "round": 2, "in": "numpy", "reason": "was suspended"}]
    content["samegrad"]["fits"] = fits()
    content["samegrad"]["noise"] = {
        "noisy": True,
        "reasons": ["planted"],
        "yardstick_spread": 1.3,
        "sentinel": {"g": {"ratio": 2, "low": 1.5, "high": 3}},
    }
    content["samegrad"]["failures"] = [{"implementation": "a", "group": "g", "reason": "r", "stderr": ["x"]}]
    other = make_run(problems=("xor",), passes=("value_and_grad",), batches=(4, 64), seed=9)
    other["samegrad"]["environment"]["cpu"] = "Apple M9"
    page = opened(other, content, *DOCUMENTS, width=width, mode=mode)
    page.execute_script("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    page.execute_script(AXE.read_text(encoding="utf-8"))
    result = page.execute_async_script("axe.run().then(arguments[0])")
    violations = [(v["id"], v["nodes"][0]["html"][:200], v["nodes"][0]["failureSummary"]) for v in result["violations"]]
    assert violations == [] and len(result["passes"]) > 20


def test_axe_would_find_one(opened, make_run):
    """Planted: text too pale to read."""
    page = opened(make_run(**SMALL))
    page.execute_script("document.querySelector('.answer').style.color = '#ddd'")
    page.execute_script(AXE.read_text(encoding="utf-8"))
    result = page.execute_async_script("axe.run().then(arguments[0])")
    assert "color-contrast" in [violation["id"] for violation in result["violations"]]


def test_hostile_names_are_text(opened, make_run):
    """Nothing runs, and the names are shown as they are."""
    names = ["<script>window.hacked = 1</script>", '"><img src=x onerror="window.hacked = 1">', "</script><b>bold"]
    names += ["n" * 300, "/etc/passwd"]
    content = make_run({name: ("numpy", name, 1000.0 * (1 + i), 1) for i, name in enumerate(names)}, batches=(4, 64))
    page = opened(content, content, width=390)
    page.execute_script("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    for value in page.execute_script("return [...document.getElementById('chart-show').options].map((o) => o.value)"):
        choose(page, "chart-show", value)
    assert page.execute_script("return window.hacked") is None
    assert not page.find_elements("css selector", "main img, main b:not(.reading b)")
    assert set(names) <= set(texts(page, "#times-1 td.name"))
    assert page.execute_script("return document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize(
    "shape",
    [
        {"implementations": {"solo": ("mlx", "eager", 1e3, 1)}, "batches": (7,)},
        {
            "implementations": {f"f{i}-e{i}": (f"f{i}", f"e{i}", 1e3 * 1.04**i, 20) for i in range(200)},
            "passes": ("forward",),
            "batches": (4, 64),
        },
        {"problems": ("line",), "passes": ("forward",), "batches": (4,)},
    ],
    ids=["one-implementation", "two-hundred", "one-batch"],
)
def test_any_run_opens(opened, make_run, shape):
    """Without a word in the console (see the fixture), and with a chart."""
    assert len(texts(opened(make_run(**shape)), "#chart .label")) >= 1


def test_unknown_numbers_leave_gaps_not_errors(opened, make_run):
    """No intervals, no ratios, one implementation missing at one batch."""
    content = make_run(problems=("line",), passes=("forward",))
    for benchmark in content["benchmarks"]:
        benchmark["extra_info"]["launches"] = benchmark["extra_info"]["launches"][:1]
        rounds = benchmark["extra_info"]["launches"][0]["rounds"]
        benchmark["stats"].update(data=benchmark["stats"]["data"][:rounds], rounds=rounds)
    content["samegrad"]["groups"] = []
    del content["benchmarks"][0]
    page = opened(content)
    choose(page, "chart-show", "numpy")
    for batch in ("4", "256"):
        choose(page, "pairs-batch", batch)
    assert "no difference shown" in texts(page, "#pairs-table td")


def test_without_pairs_there_are_times_and_their_ratios(opened, make_run, monkeypatch):
    """Of a run too large for its page: bars and pairs show ratios of medians, and no line is relative."""
    monkeypatch.setattr(chart_data, "MOST_PAIRS", 0)
    page = opened(make_run(**SMALL))
    assert len(texts(page, "#bars b")) == 4
    assert set(texts(page, "#pairs-table td:nth-child(2)")) == {"no difference shown"}
    choose(page, "chart-show", "numpy")
    assert texts(page, "#chart .label") == ["numpy"], "it alone has a ratio to itself"


def test_on_paper_there_are_numbers_and_no_buttons(opened):
    """Printed, controls are gone, colours are light, and of the folded numbers those are there that were unfolded."""
    page = opened(mode="dark", media="print", width=718)  # A4 between margins of 1 cm, at 96 px per inch
    page.execute_script("document.getElementById('times-1').closest('details').open = true")
    assert page.execute_script("return document.documentElement.scrollWidth") <= 718
    assert not any(
        node.is_displayed()
        for node in page.find_elements("css selector", ".controls, nav, #theme, a.data, #series button")
    )
    assert page.find_element("id", "times-1").is_displayed()
    assert not page.find_element("id", "times-2").is_displayed()
    assert not any("Numbers" in text for text in texts(page, "details:not([open]) summary"))
    assert page.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_the_script_s_numbers_and_labels_are_python_s(opened):
    """The two implementations of each rule agree: units, ratios, and the spreading of labels."""
    page = opened()
    for ns in (0.4567, 850, 999.4, 999.6, -12.3, 18_234, 999_600, 1_240_000, 3.1e9, 0):
        assert page.execute_script("return time(arguments[0])", ns) == units.time(ns)
    for value in (1, 4.123, 9.996, 18.27, 2280, 0.0512, 0.9996):
        assert page.execute_script("return significant(arguments[0])", value) == units.ratio(value)
    for wanted in ([5, 5, 5], [1, 90, 40, 41, 42], [99, 99, 98, 1], [50]):
        values = page.execute_script("return spread(arguments[0], 15, 0, 100)", wanted)
        assert values == pytest.approx(labels.spread(wanted, 15, 0, 100).tolist())
