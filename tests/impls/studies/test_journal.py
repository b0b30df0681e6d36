"""The journal of a study, beside another of the same study."""

from __future__ import annotations

from samegrad.impls.studies.block_task import Counts
from samegrad.impls.studies.journal import Journal


def test_the_same_study_beside_it_takes_nothing_away(tmp_path):
    """It ends first, and removes the files and the folder."""
    counts = Counts(learned_at=(1,), failures={}, learned="gA==")
    ours, theirs = Journal(tmp_path / "tasks"), Journal(tmp_path / "tasks")
    theirs.write("a", counts)
    assert "a" in ours
    theirs.clear(["a"])
    assert not (tmp_path / "tasks").exists()
    ours.write("b", counts)
    assert ours["a"] == ours["b"] == counts
    theirs.clear(["b"])
    ours.clear(["a", "b"])
    assert not (tmp_path / "tasks").exists()
