"""How the tests are shared out among workers."""

from __future__ import annotations

from types import SimpleNamespace

from tests.groups import group_of, in_process, slowest_first


def test_a_group_is_a_file_or_the_tests_of_one_process_in_it():
    assert group_of("tests/a.py::TestB::test_c[d]") == "tests/a.py"
    names = [in_process("torch-eager", "torch").id, in_process("numpy", "numpy").id]
    assert [group_of(f"tests/a.py::test_b[{name}-xor-float32]") for name in names] == [
        "tests/a.py torch",
        "tests/a.py numpy",
    ]
    assert group_of(f"tests/a.py::test_b[xor-{names[0]}]") == group_of(f"tests/a.py::test_c[{names[0]}]")


def test_groups_with_the_most_slow_tests_come_first_and_stay_together():
    def item(nodeid, is_slow):
        return SimpleNamespace(nodeid=nodeid, get_closest_marker=lambda name: is_slow and name == "slow")

    items = [item("a::1", False), item("b::1", True), item("a::2", True), item("b::2", True), item("c::1", False)]
    slowest_first(items)
    assert [item.nodeid for item in items] == ["b::1", "b::2", "a::1", "a::2", "c::1"]
