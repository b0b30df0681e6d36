"""A spec that cannot be is refused in one line; one that can is always cut into the same tasks."""

from __future__ import annotations

import pytest

from samegrad.impls.errors import BadInput
from samegrad.impls.studies import specs

MANY = tuple(f"normal {number}" for number in range(1, 201))


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"start": 5}, "unknown key in the spec: 'start'; .* Did you mean 'starts'"),
        ({"starts": "many"}, "the spec's starts: Expected `int`, got `str`"),
        ({"starts": 1}, "the spec's starts: Expected `int` >= 2"),
        ({"seed": 2**32 - 5}, "seeds end at"),
        ({"seed": -1}, "the spec's seed"),
        ({"epochs": 0}, "the spec's epochs"),
        ({"epochs": 10**8}, "epochs must be at most"),
        ({"threshold": float("nan")}, "the spec's threshold"),
        ({"threshold": float("inf")}, "threshold must be finite"),
        ({"dtype": "float16"}, "unknown dtype"),
        ({"laws": []}, "laws must be a list of one or more"),
        ({"laws": ["normal -1"]}, "law 'normal -1'"),
        ({"laws": "glorot"}, "the spec's laws"),
        ({"widths": [2, 2]}, "widths must be a list of one or more different"),
        ({"widths": [0]}, r"the spec's widths\[0\]"),
        ({"widths": [65]}, "widths go from 1 to 64"),
        ({"activations": ["softmax"]}, "unknown activation"),
        ({"optimizers": ["adm"]}, "unknown optimizer 'adm'.* Did you mean 'adam'"),
        ({"learning_rates": [0.1, float("inf")]}, "learning_rate must be a positive number"),
        ({"learning_rates": [float("nan")]}, r"the spec's learning_rates\[0\]"),
        ({"implementation": "jax-jit"}, "unknown implementation that trains many networks"),
        ({"implementation": "c-floor", "optimizers": ["adam"]}, "c-floor trains by sgd alone"),
        ({"laws": MANY, "widths": tuple(range(1, 65))}, "12,800 cells; at most 10,000"),
        ({"starts": 10**9}, "the spec's starts: Expected `int` <= 10000000"),
        ({"starts": 10**7, "epochs": 10**7}, "tasks of up to a minute; at most 100,000"),
    ],
)
def test_what_cannot_be_is_refused(fields, line):
    with pytest.raises(BadInput, match=line) as refused:
        specs.possible(fields)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_no_spec_is_refused(tmp_path):
    path = tmp_path / "spec.toml"
    for content, line in ((b"starts =", "is not TOML"), (b"\xff", "is not TOML"), (b"[starts]", "spec's starts")):
        path.write_bytes(content)
        with pytest.raises(BadInput, match=line):
            specs.load(path, {})
    path.write_text(f"starts = {'9' * 5000}", encoding="utf-8")
    with pytest.raises(BadInput, match="is not TOML"):
        specs.load(path, {})
    for missing in (tmp_path, tmp_path / "none.toml"):
        with pytest.raises(BadInput, match="cannot be read"):
            specs.load(missing, {})


def test_options_take_the_place_of_the_file(tmp_path):
    path = tmp_path / "spec.toml"
    path.write_text('starts = 50\nlaws = ["glorot"]\n', encoding="utf-8")
    spec = specs.load(path, {"starts": 60, "laws": None, "widths": [2]})
    assert (spec.starts, spec.laws, spec.widths, spec.epochs) == (60, ("glorot",), (2,), 10_000)


def test_a_byte_order_mark_before_a_spec_is_no_part_of_it(tmp_path):
    path = tmp_path / "spec.toml"
    path.write_text("starts = 50", encoding="utf-8-sig")
    assert specs.load(path, {}).starts == 50


def test_the_tasks_of_a_cell_are_its_seeds_once_each():
    """In both halves, each task as long as its work allows, and no longer."""
    spec = specs.possible({"starts": 300_001, "seed": 7, "epochs": 10_000, "widths": [2, 8]})
    for cell in specs.cells(spec):
        tasks = [specs.blocks(spec, cell, half) for half in (0, 1)]
        seeds = [seed for half in tasks for task in half for seed in range(task.first, task.first + task.count)]
        assert seeds == list(range(7, 7 + 300_001)) and sum(task.count for task in tasks[0]) == 150_000
        work = [task.count * spec.epochs * (4 * cell.width + 1) for half in tasks for task in half]
        assert max(work) <= specs.WORK < 2 * max(work)


def test_cells_are_the_product_of_the_lists():
    spec = specs.possible({"laws": ["glorot", "he"], "learning_rates": [0.1, 0.2], "optimizers": ["sgd", "adam"]})
    cells = list(specs.cells(spec))
    assert len(set(cells)) == 8 and [cell.learning_rate for cell in cells[:2]] == [0.1, 0.2]
    assert cells[0].problem.sizes == (2, 4, 1) and cells[0].problem.activations == ("sigmoid", "sigmoid")
