"""A library is compiled once, kept by its source, flags and CPU, and a failure says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from samegrad.impls.errors import Unavailable
from samegrad.impls.machine import compiler

needs_compiler = pytest.mark.skipif(compiler.find() is None, reason="no C compiler here")


@pytest.fixture(autouse=True)
def cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "samegrad"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "answer.c"
    path.write_text("real answer(void) { return 42; }\n")
    return path


@needs_compiler
def test_a_second_build_takes_the_first_ones_library(source: Path) -> None:
    """Nothing is compiled twice."""
    first = compiler.build(source, ["real=float"])
    written_ns = first.stat().st_mtime_ns
    assert compiler.build(source, ["real=float"]) == first
    assert first.stat().st_mtime_ns == written_ns


@needs_compiler
def test_another_source_or_definition_is_another_library(source: Path, cache_folder: Path) -> None:
    """The key holds everything that the machine code depends on, and nothing is left beside the libraries."""
    compiler.build(source, ["real=float"])
    compiler.build(source, ["real=double"])
    source.write_text("real answer(void) { return 43; }\n", encoding="utf-8")
    compiler.build(source, ["real=double"])
    assert len(list(cache_folder.iterdir())) == 3
    assert all(path.suffix == ".so" for path in cache_folder.iterdir())


@needs_compiler
def test_a_failure_shows_the_compilers_complaint_and_leaves_nothing(source: Path, cache_folder: Path) -> None:
    """One line, with the file and the error."""
    source.write_text("real answer(void) { return undeclared; }\n", encoding="utf-8")
    with pytest.raises(Unavailable, match=r"failed on answer\.c: .*undeclared"):
        compiler.build(source, ["real=float"])
    assert list(cache_folder.iterdir()) == []


def test_no_compiler_is_a_reason_with_a_cure(monkeypatch: pytest.MonkeyPatch, source: Path) -> None:
    """Whether it is $CC that does not exist, or nothing on the path."""
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(Unavailable, match=r"no-such-compiler not found.*install gcc or clang"):
        compiler.build(source)
    monkeypatch.delenv("CC")
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(Unavailable, match="cc, gcc, clang not found"):
        compiler.build(source)


@needs_compiler
def test_a_cache_folder_that_cannot_be_made_is_named(monkeypatch: pytest.MonkeyPatch, source: Path) -> None:
    """A file stands where the folder should be."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(source))
    with pytest.raises(Unavailable, match=r"cannot keep anything .*set XDG_CACHE_HOME"):
        compiler.build(source, ["real=float"])
