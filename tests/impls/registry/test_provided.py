"""Implementations of other packages: found by their metadata alone, and no mistake of one reaches the others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from samegrad.impls import registry
from samegrad.impls.errors import BadInput
from samegrad.impls.registry.provided import provided

ROOT = Path(__file__).parents[3]


def install(folder: Path, name: str, entry_points: str, version: str = "1.0", requires: tuple[str, ...] = ()) -> None:
    """What pip leaves of a package beside its modules."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    needs = "".join(f"Requires-Dist: {requirement}\n" for requirement in requires)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}")
    (info / "entry_points.txt").write_text(entry_points)


def group(*lines: str) -> str:
    return "\n".join(["[console_scripts]", "tool = tool:main", "[samegrad.implementations]", *lines])


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of installed packages, and in it modules `mine` and `theirs` that must not be imported."""
    monkeypatch.syspath_prepend(tmp_path)
    for module in ("mine", "theirs"):
        monkeypatch.delitem(sys.modules, module, raising=False)  # of another test
        (tmp_path / f"{module}.py").write_text("raise AssertionError('imported')")
    return tmp_path


def test_name_version_and_needs_are_read_from_the_package(site):
    """Framework and execution from the name; what is required, but only conditionally, is not judged."""
    requires = ("samegrad", "numpy>=2", "theirs >=0.2,<9", "absent-thing[fast]", 'tomli; python_version < "3"')
    install(site, "samegrad-mine", group("mine-by-tape = mine:Mine"), requires=requires)
    [entry], left_out = provided(taken=["numpy"])
    assert (entry.name, entry.target, entry.distribution) == ("mine-by-tape", "mine:Mine", "samegrad-mine")
    assert (entry.framework, entry.execution) == ("mine", "by-tape")
    assert entry.packages == ("theirs", "absent-thing")
    assert entry.missing() == "mine-by-tape needs absent-thing: pip install samegrad-mine"
    assert entry.versions() == {"samegrad-mine": "1.0"}
    assert left_out == []


def test_a_framework_comes_first_among_the_versions(site):
    install(site, "samegrad-mine", group("mine = mine:Mine"), requires=("theirs",))
    install(site, "theirs", "", version="0.2.7")
    [entry], _ = provided(taken=[])
    assert entry.missing() is None and entry.execution == "plain"
    assert list(entry.versions().items()) == [("theirs", "0.2.7"), ("samegrad-mine", "1.0")]


def test_a_package_whose_module_is_gone_says_so(site):
    install(site, "samegrad-mine", group("gone = gone.deep:Mine"))
    [entry], _ = provided(taken=[])
    assert entry.missing() == "gone needs the module gone: pip install samegrad-mine"


FAULTS = {
    "numpy = mine:Mine": "Samegrad has one of that name; rename the entry point",
    "all = mine:Mine": "is not 'all'",
    "two words = mine:Mine": "letters, digits",
    "mine* = mine:Mine": "letters, digits",
    "mine = mine": "its value should be 'module:Class', found 'mine'",
    "mine = mine:Mine.inner": "its value should be 'module:Class'",
    "mine": "its value should be 'module:Class', found ''",
    "= mine:Mine": "letters, digits",
}


@pytest.mark.parametrize("line", FAULTS)
def test_a_faulty_entry_point_is_left_out_with_a_line_and_the_others_stay(site, line):
    install(site, "a-faulty", group(line, "right = mine:Mine"))
    install(site, "b-right", group("also-right = theirs:Theirs"))
    entries, [message] = provided(taken=["numpy"])
    assert [entry.name for entry in entries] == ["right", "also-right"]
    name = line.partition("=")[0].strip()
    assert message.startswith(f"a-faulty: its implementation {name!r} is left out: ") and FAULTS[line] in message


def test_of_two_packages_with_one_name_the_first_has_it(site):
    install(site, "b-later", group("mine = theirs:Theirs"))
    install(site, "a-first", group("mine = mine:Mine"))
    [entry], [message] = provided(taken=[])
    assert entry.target == "mine:Mine"
    assert message == (
        "b-later: its implementation 'mine' is left out: a-first has one of that name; rename one of the entry points"
    )


def test_a_package_that_is_twice_on_the_path_is_taken_once(site, monkeypatch):
    """As it is imported: the first."""
    install(site, "samegrad-mine", group("mine = theirs:Theirs"))
    earlier = site / "earlier"
    earlier.mkdir()
    install(earlier, "samegrad-mine", group("mine = mine:Mine"), version="2.0")
    monkeypatch.syspath_prepend(earlier)
    [entry], left_out = provided(taken=[])
    assert (entry.target, entry.versions(), left_out) == ("mine:Mine", {"samegrad-mine": "2.0"}, [])


def test_unreadable_metadata_stops_nobody_else(site):
    install(site, "b-right", group("right = mine:Mine"))
    install(site, "a-broken", "")
    broken = site / "a_broken-1.0.dist-info"
    (broken / "entry_points.txt").write_bytes(b"[samegrad.implementations]\nx = \xff\xfe:X")
    entries, [message] = provided(taken=[])
    assert [entry.name for entry in entries] == ["right"]
    assert str(broken) in message and "cannot be read" in message


def test_other_groups_are_nobody_s_business(site):
    install(site, "tools", "[console_scripts]\nmine = mine:Mine\n[samegrad.implementations.old]\nmine = mine:Mine")
    assert provided(taken=[]) == ([], [])


def test_whoever_asks_for_what_was_left_out_gets_the_reason(monkeypatch):
    line = "samegrad-mine: its implementation 'mine' is left out: its value should be 'module:Class', found 'mine'"
    monkeypatch.setattr(registry, "LEFT_OUT", [line])
    for ask in (registry.get_entry, lambda name: registry.select(["numpy", name])):
        with pytest.raises(BadInput) as refused:
            ask("mine")
        assert str(refused.value) == line
        with pytest.raises(BadInput, match="unknown implementation 'min'"):
            ask("min")


def test_list_shows_what_is_provided_and_what_is_left_out(site):
    """In a process that finds the packages as any other would; listing imports none of them."""
    install(site, "samegrad-mine", group("mine-tape = mine:Mine", "numpy = mine:Mine"))
    done = subprocess.run(
        [sys.executable, "-m", "samegrad", "list"],
        cwd=ROOT,
        env={"PATH": "", "PYTHONPATH": str(site), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "mine-tape mine tape samegrad-mine 1.0" in [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "provided: mine-tape is of samegrad-mine" in done.stdout
    assert "left out: samegrad-mine: its implementation 'numpy' is left out: Samegrad has one" in done.stdout
