"""A library that was cut off, as a killed compiler leaves it, is removed; one that is whole or being written stays."""

from __future__ import annotations

import subprocess
import sys

import pytest

from samegrad.impls.machine import compiler
from samegrad.impls.on_torch.unfinished import remove_unfinished

pytestmark = pytest.mark.skipif(sys.platform != "linux" or compiler.find() is None, reason="no C compiler on Linux")


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """What a linker writes, whole."""
    source = tmp_path_factory.mktemp("library") / "answer.c"
    source.write_text("int answer(void) { return 42; }\n", encoding="utf-8")
    subprocess.run([*compiler.require(), "-shared", "-fPIC", source, "-o", source.with_suffix(".so")], check=True)
    return source.with_suffix(".so").read_bytes()


@pytest.fixture
def cache(tmp_path):
    for folder in ("ab", "locks"):
        (tmp_path / folder).mkdir()
    return tmp_path


@pytest.mark.parametrize("name", ["abc.so", "abc.main.so", "abc.kernel.o"])
@pytest.mark.parametrize("share", [0, 0.001, 0.1, 0.5, 0.9, 0.9999])
def test_what_was_cut_off_is_removed(cache, library, name, share):
    (path := cache / "ab" / name).write_bytes(library[: int(share * len(library))])
    remove_unfinished(cache)
    assert not path.exists()


def test_what_has_its_length_but_no_header_yet_is_removed(cache, library):
    """A linker may write the header last."""
    (path := cache / "ab" / "abc.so").write_bytes(bytes(64) + library[64:])
    remove_unfinished(cache)
    assert not path.exists()


def test_what_is_whole_or_no_library_is_kept(cache, library):
    (whole := cache / "ab" / "abc.so").write_bytes(library)
    (source := cache / "ab" / "abc.cpp").touch()
    remove_unfinished(cache)
    assert whole.exists() and source.exists()


def test_what_is_being_written_is_kept(cache, library):
    """Under PyTorch's own lock, which a killed process lets go."""
    import fcntl

    (path := cache / "ab" / "abc.main.so").write_bytes(library[:100])
    with (cache / "locks" / "abc.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        remove_unfinished(cache)
        assert path.exists()
    remove_unfinished(cache)
    assert not path.exists()
