"""A file is written whole or not at all, whatever goes wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from samegrad.impls import files
from samegrad.impls.files import numbered, read_whole, require_writable, write_new, write_whole

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
        script = "import sys; from pathlib import Path; from samegrad.impls.files import numbered, write_new; "
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


class TestWhatIsNoFile:
    """A device, a pipe and a link stay what they are; the bytes go through."""

    @pytest.fixture
    def fifo(self, tmp_path):
        os.mkfifo(path := tmp_path / "fifo")
        return path

    def test_a_named_pipe_is_written_to(self, fifo):
        reader = subprocess.Popen(["cat", fifo], stdout=subprocess.PIPE)
        require_writable(fifo)
        write_whole(fifo, NEW)
        assert reader.communicate(timeout=60)[0] == NEW and fifo.is_fifo()

    def test_a_link_is_followed_and_stays(self, target):
        link = target.with_name("link")
        link.symlink_to(target.name)
        write_whole(link, NEW)
        assert link.is_symlink() and target.read_bytes() == NEW

    def test_standard_output_by_its_name_is_the_one_that_is_open(self, tmp_path):
        """Here it is a file: nothing that was printed before or after is lost."""
        program = "import samegrad.impls.files as f; print('a'); f.write_whole('/dev/stdout', b'b\\n'); print('c')"
        with (tmp_path / "out").open("w+b") as file:
            subprocess.run([sys.executable, "-c", program], cwd=ROOT, stdout=file, check=True)
            file.seek(0)
            assert file.read() == b"a\nb\nc\n"

    def test_a_named_pipe_is_not_read_for_ever(self, fifo):
        """Nobody writes to it."""
        with pytest.raises(OSError, match="named pipe"):
            read_whole(fifo)

    def test_what_has_no_end_is_not_read(self):
        with pytest.raises(OSError, match="device"):
            read_whole(Path("/dev/zero"))

    def test_a_file_larger_than_any_document_is_not_read(self, tmp_path, monkeypatch):
        monkeypatch.setattr(files, "LARGEST", 3)
        (path := tmp_path / "large").write_bytes(b"1234")
        with pytest.raises(OSError, match="larger than"):
            read_whole(path)
        path.write_bytes(b"123")
        assert read_whole(path) == b"123"

    def test_nobody_is_waited_for_for_ever_at_a_named_pipe(self, fifo, monkeypatch):
        monkeypatch.setattr(files, "READER_WAITS", 2)
        for use in (require_writable, lambda path: write_whole(path, NEW)):
            with pytest.raises(OSError, match="nobody reads"):
                use(fifo)

    @pytest.mark.parametrize("name", ["loop", "", "."])
    def test_what_no_file_can_be_is_an_error_of_the_system(self, name, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        Path("loop").symlink_to("loop")
        for use in (require_writable, lambda path: write_whole(path, NEW)):
            with pytest.raises(OSError):
                use(name)

    def test_what_a_shell_puts_in_place_of_a_file_is_read(self):
        program = "import sys, pathlib, samegrad.impls.files as f; print(f.read_whole(pathlib.Path(sys.argv[1])))"
        output = subprocess.check_output(
            ["bash", "-c", 'exec "$0" -c "$1" <(echo hello)', sys.executable, program], cwd=ROOT, text=True
        )
        assert output == "b'hello\\n'\n"


class TestRequireWritable:
    def test_it_leaves_nothing_and_touches_nothing(self, target):
        require_writable(target)
        require_writable(target.with_name("new"))
        assert target.read_bytes() == OLD and names(target.parent) == [target.name]

    @pytest.mark.parametrize("place", ["no/folder/x.json", "."])
    def test_a_place_that_cannot_be_written_is_reported_as_it_was_given(self, place, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(OSError) as refusal:
            require_writable(place)
        assert refusal.value.filename == place
