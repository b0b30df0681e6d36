"""What a notebook shows of a report: complete, escaped, and in need of nothing else."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from samegrad.impls.verifying.report import RIGHT, UNKNOWN, WRONG, Named, Report, Row

EVIL = "<script>alert('&')</script>"


class Reader(HTMLParser):
    """Checks that every element is closed, and keeps the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data


def read(report: Report) -> Reader:
    reader = Reader()
    reader.feed(report._repr_html_())
    assert not reader.open
    return reader


def wrong(**more) -> Report:
    rows = [Row("dW1", EVIL, (2, 4), 0.25, {"torch": 0.5}), Row("db1", "b1", (), float("inf"), absent=True)]
    named = [Named(f"n{i}", f"{EVIL} {i}", "because", "db1 = 0 < 1\nδ1 = a1") for i in range(2)]
    given = {"evidence": EVIL, "mistakes": named, "rows": rows, "sizes": (2, 4), "batches": (7, 1), "notes": [EVIL]}
    return Report("f.py:f", WRONG, EVIL, **(given | more))


def test_everything_is_there_and_escaped():
    reader = read(wrong())
    assert "script" not in reader.seen
    for part in ("WRONG", EVIL, "because", "db1 = 0 < 1\nδ1 = a1", "0.25", "0.50", "2×4", "missing", "Probes: 2-4",
                 "What else fits", f"{EVIL} 1"):  # fmt: skip
        assert part in reader.text


@pytest.mark.parametrize(
    "report",
    [
        wrong(),
        wrong(hint=True),
        Report("f.py:f", RIGHT, "right for it", margin=0.2),
        Report("f.py:f", UNKNOWN, f"could not run: {EVIL}", advice=EVIL, traceback=EVIL),
    ],
    ids=["wrong", "hint", "right", "unknown"],
)
def test_it_needs_nothing_else_and_leaves_the_page_alone(report):
    html = report._repr_html_()
    read(report)
    assert not re.search(r"https?:|src=|href=|url\(|@import|<script|<link", html)
    style = html[html.index("<style>") + 7 : html.index("</style>")]
    selectors = re.findall(r"([^{}]+)\{", style)
    assert all(part.strip().startswith(".samegrad") for group in selectors for part in group.split(","))
    assert len(html) < 6000


def test_the_verdict_comes_first_in_its_colour():
    for report, word, colour in [
        (wrong(), "WRONG", "wrong"),
        (Report("f.py:f", RIGHT, "right for it"), "RIGHT", "right"),
        (Report("f.py:f", UNKNOWN, "cannot tell: why"), "CANNOT TELL", "cannot"),
    ]:
        assert read(report).text.strip().startswith(word)
        assert f'<span class="badge {colour}">{word}</span>' in report._repr_html_()
    assert "Why." in read(Report("f.py:f", UNKNOWN, "cannot tell: why")).text


def test_the_text_of_the_page_takes_the_notebook_s_colours():
    """Only the badges have colours of their own, white on one that is dark enough for it."""
    style = re.search(r"<style>(.*)</style>", wrong()._repr_html_(), re.DOTALL)[1]
    assert set(re.findall(r"[{; ]color: ([^;} ]+)", style)) == {"inherit", "#fff"}
    backgrounds = set(re.findall(r"background: (#\w{6})", style))
    assert len(backgrounds) == 3
    for colour in backgrounds:
        assert 1.05 / (luminance(colour) + 0.05) >= 4.5  # WCAG 2, AA


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
