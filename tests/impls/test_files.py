"""A file is written whole or not at all, whatever goes wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from impls.files import numbered, write_new, write_whole

ROOT = Path(__file__).parents[2]
OLD, NEW = b"what was there", b"x" * 100_000


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "weights.npz"
    path.write_bytes(OLD)
    return path


def names(folder):
    return [path.name for path in folder.iterdir()]


def test_the_new_content_replaces_the_old(target):
    write_whole(target, NEW)
    assert target.read_bytes() == NEW
    assert names(target.parent) == [target.name]


def test_a_name_may_be_a_string(tmp_path):
    write_whole(str(tmp_path / "new"), NEW)
    assert (tmp_path / "new").read_bytes() == NEW


def test_a_write_that_fails_half_way_leaves_the_old_file_and_nothing_beside_it(target):
    """A real failure: the kernel refuses to let the file grow beyond 4 kB."""
    resource = pytest.importorskip("resource", reason="limits of a file's size are set by POSIX systems only")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(OSError):
            write_whole(target, NEW)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert target.read_bytes() == OLD
    assert names(target.parent) == [target.name]


def test_a_rename_that_fails_leaves_the_old_file_and_nothing_beside_it(target, monkeypatch):
    def refuse(source, destination):
        raise PermissionError(1, "Operation not permitted", source)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(PermissionError) as refused:
        write_whole(target, NEW)
    assert refused.value.filename == str(target)
    assert target.read_bytes() == OLD
    assert names(target.parent) == [target.name]


@pytest.mark.parametrize("place", ["missing/weights.npz", "file/weights.npz"])
def test_a_folder_that_is_missing_or_a_file_is_an_error_of_the_system(tmp_path, place):
    """An OSError, which every front end turns into one line; nothing is made on the way."""
    (tmp_path / "file").write_bytes(OLD)
    with pytest.raises(OSError):
        write_whole(tmp_path / place, NEW)
    assert names(tmp_path) == ["file"]


def test_a_folder_that_may_not_be_written_to_stays_as_it_was(target):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    target.parent.chmod(0o500)
    try:
        with pytest.raises(PermissionError):
            write_whole(target, NEW)
    finally:
        target.parent.chmod(0o700)
    assert target.read_bytes() == OLD
    assert names(target.parent) == [target.name]


class TestNewFiles:
    def test_no_file_is_replaced(self, target):
        """Each gets the next name that is free."""
        written = [write_new(numbered(target), NEW[:size]) for size in (1, 2)]
        assert [path.name for path in written] == ["weights-2.npz", "weights-3.npz"]
        assert (target.read_bytes(), *(path.read_bytes() for path in written)) == (OLD, b"x", b"xx")
        assert sorted(names(target.parent)) == ["weights-2.npz", "weights-3.npz", "weights.npz"]

    def test_many_at_once_get_a_name_each(self, tmp_path):
        """Processes that all try the same names; none waits for another."""
        script = "import sys; from pathlib import Path; from impls.files import numbered, write_new; "
        script += "[write_new(numbered(Path(sys.argv[1])), sys.argv[2].encode()) for _ in range(20)]"
        writers = [
            subprocess.Popen([sys.executable, "-c", script, tmp_path / "run", str(n)], cwd=ROOT) for n in range(4)
        ]
        assert [writer.wait() for writer in writers] == [0] * 4
        assert Counter(path.read_bytes() for path in tmp_path.iterdir()) == {str(n).encode(): 20 for n in range(4)}

    def test_a_write_that_fails_leaves_nothing_and_claims_no_name(self, tmp_path, monkeypatch):
        def refuse(source, destination):
            raise PermissionError(1, "Operation not permitted", source)

        monkeypatch.setattr(os, "replace", refuse)
        with pytest.raises(PermissionError) as refused:
            write_new(numbered(tmp_path / "run"), NEW)
        assert refused.value.filename == str(tmp_path / "run")
        assert names(tmp_path) == []
