"""Which starts learn: shares over the learning rate, time to success, and why the others fail."""

from __future__ import annotations

import math
from functools import partial

from samegrad.benchmarks.results import survival
from samegrad.impls.documents.study import Study, StudyCell, law_in_words, p_in_words, percent
from samegrad.reports import cells
from samegrad.reports.figures import shares
from samegrad.reports.material import Material
from samegrad.reports.part import Block, Columns, Figure, Heading, ReportPart, Table, Text, each, facts, note, table
from samegrad.reports.style import DASHES, FAINT, MARKERS, MUTED, PALETTE, Look

ID, TITLE = "study", "Which starts learn"
MOST_PANELS = 12
"""More laws and networks than this are in the tables and the CSV files alone."""
CELL = "law width activation optimizer learning_rate"
"""The key of a cell, as columns of CSV files."""
NETWORK: Columns = {
    "weights": lambda one: law_in_words(one.law),
    "network": lambda one: f"2-{one.width}-1 {one.activation}",
}
"""The columns of a cell's or a pair's network."""
LEARNED = "learned"
COLOURS = {
    **{LEARNED: FAINT, "symmetric": PALETTE[0], "saturated": PALETTE[1], "dead": "#1F2328"},
    **{"two right": PALETTE[3], "three right": PALETTE[4], "four right": PALETTE[7]},
    **{"descending": PALETTE[2], "bouncing": PALETTE[5], "diverged": MUTED},
}
"""The colour of each reason why a start failed, in the order in which bars are stacked."""
WHEN = "Each optimizer at the learning rate with which most learn; 95 % intervals are shaded."
WHY = """Symmetric: all hidden units compute the same. Dead: fewer than two relus are ever on. Saturated: nothing gets
through from the rows that are wrong. Two, three right: a plateau with so many of the four rows right. Descending: the
error still falls. Bouncing: the steps are too long. Diverged: no numbers any more."""


def part(material: Material) -> ReportPart | None:
    """The answer, the figures and the table of a study; None where nothing was studied."""
    study = material.study
    if study is None or not study.cells:
        return None
    blocks: list[Block] = [
        *map(Text, study.answer),
        *(Heading(f"Which learn within {study.spec.epochs:,} epochs"), _rates(study)),
        *(Heading("When they learn"), note(WHEN), _survival(study)),
        *(Heading("Why the others fail"), note(WHY), _failures(study)),
    ]
    return ReportPart(ID, TITLE, [*blocks, _best(study), _pairs(study)] if study.pairs else [*blocks, _best(study)])


def _networks(study: Study) -> dict[tuple[str, int, str], list[StudyCell]]:
    """The cells of each panel."""
    panels: dict[tuple[str, int, str], list[StudyCell]] = {}
    for cell in study.cells:
        panels.setdefault(cell.network, []).append(cell)
    return dict(list(panels.items())[:MOST_PANELS])


def _name(network: tuple[str, int, str]) -> str:
    law, width, activation = network
    return f"{law_in_words(law)}, 2-{width}-1" + (f" {activation}" if activation != "sigmoid" else "")


def _looks(study: Study) -> dict[str, Look]:
    return {
        name: Look(PALETTE[number % len(PALETTE)], DASHES[0], MARKERS[number % len(MARKERS)])
        for number, name in enumerate(study.spec.optimizers)
    }


def _texts(study: Study, heading: str, more: str) -> tuple[list[str], str, str]:
    """The footer, the heading and the line below it of a figure."""
    spec = study.spec
    versions = ", ".join(f"{name} {version}" for name, version in study.versions.items())
    subheading = f"{spec.starts:,} starts a cell, the same in all; learned: an error below {spec.threshold:g}. {more}"
    return [f"samegrad study · {spec.implementation} {spec.dtype} · {versions}"], heading, subheading


def _rates(study: Study) -> Figure:
    """The share that learns over the learning rate."""
    panels = []
    for network, own in _networks(study).items():
        lines: dict[str, list[shares.Point]] = {name: [] for name in study.spec.optimizers}
        for cell in sorted(own, key=lambda cell: cell.learning_rate):
            lines[cell.optimizer].append((cell.learning_rate, cell.share, cell.low, cell.high))
        panels.append(shares.SharePanel(_name(network), lines))
    rows = [
        facts(cell, f"{CELL} share low high")
        | {"median_epochs": cell.median(study.spec.looks), "halves_p": cell.halves_p}
        for cell in study.cells
    ]
    texts = _texts(study, f"Starts that learn xor within {study.spec.epochs:,} epochs", "95 % (Wilson).")
    draw = partial(shares.draw_lines, texts, panels, _looks(study), "learning rate", is_rate=True)
    return Figure("study-rates", draw, rows, f"Shares over the learning rate. {study.answer[0]}")


def _survival(study: Study) -> Figure:
    """The share that has learned by each epoch, each optimizer at its best rate."""
    curves = {
        key: survival.by_time(study.spec.looks, cell.learned_at, study.spec.starts) for key, cell in study.best.items()
    }
    panels = [
        shares.SharePanel(_name(network), {name: curves[network, name] for name in study.spec.optimizers})
        for network in _networks(study)
    ]
    rows = [facts(study.best[key], CELL) | point._asdict() for key, curve in curves.items() for point in curve]
    texts = _texts(study, "When they learn", "Each at its best rate; 95 % (Greenwood).")
    draw = partial(shares.draw_lines, texts, panels, _looks(study), "epochs", is_rate=False)
    return Figure("study-survival", draw, rows, "The share that has learned by each epoch, each at its best rate.")


def _failures(study: Study) -> Figure:
    """The starts of each cell stacked by how they ended."""
    panels = [
        shares.StackPanel(
            _name(network), [(cell.optimizer, f"{cell.learning_rate:g}", _kinds(study, cell)) for cell in own]
        )
        for network, own in _networks(study).items()
    ]
    rows = [
        facts(cell, CELL) | {"kind": kind, "share": share}
        for cell in study.cells
        for kind, share in _kinds(study, cell).items()
    ]
    draw = partial(
        shares.draw_stacks, _texts(study, "Why they fail", "By optimizer and learning rate."), panels, COLOURS, ""
    )
    return Figure("study-failures", draw, rows, f"Why starts fail, by cell. {study.answer[-2]}")


def _kinds(study: Study, cell: StudyCell) -> dict[str, float]:
    """The shares of the starts that learned, and that failed in each way."""
    return {LEARNED: cell.share} | {kind: count / study.spec.starts for kind, count in cell.failures.items()}


def _best(study: Study) -> Table:
    columns: Columns = {
        **NETWORK,
        "optimizer": lambda cell: cell.optimizer,
        "rate": lambda cell: cells.cell(f"{cell.learning_rate:g}", cell.learning_rate),
        "learn": lambda cell: cells.cell(f"{percent(cell.share)} %", cell.share),
        "95 %": lambda cell: cells.cell(f"{percent(cell.low)} to {percent(cell.high)}", css="number"),
        "half by epoch": lambda cell: cells.count(cell.median(study.spec.looks) or math.nan),
        "most others": lambda cell: cell.most_failures,
    }
    caption = f"Each optimizer at its best rate, {study.spec.starts:,} starts"
    return table("study-best", caption, study.best.values(), columns, "Numbers: each optimizer at its best rate")


def _pairs(study: Study) -> Table:
    columns: Columns = {
        **NETWORK,
        **each(
            {"one": 0, "other": 1}, lambda place, pair: f"{pair.optimizers[place]} at {pair.learning_rates[place]:g}"
        ),
        "both learn": lambda pair: cells.count(pair.both),
        "one alone": lambda pair: cells.count(pair.first_only),
        "other alone": lambda pair: cells.count(pair.second_only),
        "p (McNemar)": lambda pair: _p(pair.mcnemar_p),
        "p (log-rank)": lambda pair: _p(pair.logrank_p),
    }
    caption = "Two optimizers on the same starts: rates chosen on the first half of them, compared on the second"
    return table("study-pairs", caption, study.pairs, columns, "Numbers: two optimizers on the same starts")


def _p(p: float | None) -> cells.Cell:
    return "–" if p is None else cells.cell(p_in_words(p), p)
