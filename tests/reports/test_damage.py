"""A damaged document of any kind is refused in one line with the JSON path of the damage; 100 are made by mutation."""

from __future__ import annotations

import copy
import json
import random
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from samegrad.benchmarks.documents.run import RunDocument
from samegrad.command_line import main
from samegrad.impls.documents.base import DocumentError, path_at, read
from samegrad.reports.material import BESIDE, gather

STORED = sorted(Path(__file__).with_name("stored").glob("*-1.json"))
HUGE = "9" * 5000
WRONG = ("NaN", "Infinity", "1e999", HUGE, f"-{HUGE}", "[[[]]]", "{", "nul")
FREE = {"facts", "held_out"}
"""What may hold anything: nothing in there is damage but what is no JSON."""


def places(value, path=()):
    """The path of every value."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        if key not in FREE:
            yield from places(item, (*path, key))


def replaced(content, path, marker):
    """A copy with the marker at that path."""
    changed = copy.deepcopy(content)
    parent = changed
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = marker
    return changed


def damage(path, seed):
    """The text of a stored document, as far as its type knows it, with one value replaced by what belongs nowhere."""
    chosen = random.Random(seed)
    content = json.loads(read(path, (RunDocument, *BESIDE.values())).encoded())
    place = chosen.choice([place for place in places(content) if place])
    return json.dumps(replaced(content, place, "(here)")).replace('"(here)"', chosen.choice(WRONG))


@pytest.mark.parametrize("seed", range(100))
def test_a_damaged_document_is_one_line_with_a_path(seed, tmp_path):
    """NaN, infinity, numbers of 5,000 digits, nests and halves, in any place of any stored document."""
    broken = tmp_path / "broken.json"
    broken.write_text(damage(STORED[seed % len(STORED)], seed), encoding="utf-8")
    done = CliRunner().invoke(main, ["report", str(broken), "--out", str(tmp_path / "out")])
    assert done.exit_code == 2 and isinstance(done.exception, SystemExit), done.output
    (line,) = done.stderr.splitlines()
    assert re.match(rf"samegrad: {re.escape(str(broken))}: at \$(\.|\[|:)", line) and len(line) < 400, line
    assert not (tmp_path / "out").exists()


def test_a_name_of_control_characters_alone_is_no_name(tmp_path):
    """Texts are put on one line, and then nothing is left of it."""
    content = json.loads(Path("reports/sample/rungs/run.json").read_text(encoding="utf-8"))
    content["benchmarks"][0]["group"] = "\n\x07"
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps(content), encoding="utf-8")
    done = CliRunner().invoke(main, ["report", str(broken), "--out", str(tmp_path / "out")])
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"samegrad: {broken}: at $.benchmarks[0]: its group has no name; "), line


REQUIRED = {
    "agreement": ["agree", "agree.rows", "agree.rows.3.tau", "drift.rows.0.distance", "known_faults.0.present"],
    "closed_loops": ["settings.allowed", "rows.0.times_shadow"],
    "format": ["datetime", "benchmarks.1.group", "benchmarks.0.stats", "samegrad.options.margin", "samegrad.noise"],
    "ladder": ["goals.3.word", "noise.noisy", "medians_ns"],
    "optimizers": ["rows.2.aligned", "settings"],
    "selfcheck": ["findings.5.measured", "findings.5.unit"],
    "sharpness": ["missed.1.ours", "ours_right_code"],
    "starts": ["runs.0.share", "seeds.count"],
    "training": ["epochs", "shadows.loss_spread", "runs.1.losses", "recipe.optimizer.name"],
}


@pytest.mark.parametrize(("name", "missing"), [(name, path) for name, paths in REQUIRED.items() for path in paths])
def test_a_missing_key_is_refused_where_it_is_missing(name, missing, tmp_path):
    """Nothing is guessed in its place."""
    (stored,) = [path for path in STORED if path.name.startswith(name)]
    content = json.loads(stored.read_text(encoding="utf-8"))
    *above, key = [int(part) if part.isdigit() and name != "sharpness" else part for part in missing.split(".")]
    parent = content
    for step in above:
        parent = parent[step]
    del parent[key]
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(DocumentError, match=r"^[^\n]*: at \$") as caught:
        gather([broken])
    assert "\n" not in str(caught.value)


def test_what_is_stored_is_read():
    """The undamaged are fine, so that it is the damage that is refused; the stored run has a page without NaN."""
    from tests.reports.drawn import render

    assert "NaN" not in re.sub(r"<script>.*?</script>", "", render(gather(STORED)), flags=re.S)


def test_the_path_of_a_byte_is_that_of_the_value_there():
    """In a text that ends, or is no JSON, at that byte."""
    text = b'{"a": [1, {"b\\"]": [2, 3, NaN'
    assert path_at(text, len(text)) == '$.a[1].b\\"][2]'
    assert path_at(b'{"a": {"x": 1}, "c": nul', 21) == "$.c"
    assert path_at(b"[1, [2], {}, x", 13) == "$[3]"
