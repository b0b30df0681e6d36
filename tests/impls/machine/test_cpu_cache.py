"""The second-level cache is read as Linux tells it, and chunks fit into it on small and large ones."""

from __future__ import annotations

import pytest

from samegrad.impls.machine import cpu_cache


def a_cpu(root, cpu, *caches):
    for number, (level, kind, size) in enumerate(caches):
        folder = root / f"sys/devices/system/cpu/cpu{cpu}/cache/index{number}"
        folder.mkdir(parents=True)
        for name, text in (("level", level), ("type", kind), ("size", size)):
            (folder / name).write_text(f"{text}\n")


@pytest.mark.parametrize(
    ("size", "chunk"),
    [("256K", 16 << 10), ("512K", 32 << 10), ("1024K", 64 << 10), ("1280K", 64 << 10), ("2048K", 128 << 10)],
)
def test_it_is_that_of_the_cpu_that_the_process_runs_on(tmp_path, monkeypatch, size, chunk):
    monkeypatch.setattr(cpu_cache.os, "sched_getaffinity", lambda _: {3, 5}, raising=False)
    levels = (("1", "Data", "32K"), ("2", "Instruction", "64K"), ("2", "Unified", size), ("3", "Unified", "32768K"))
    a_cpu(tmp_path, 3, *levels)
    a_cpu(tmp_path, 0, ("2", "Unified", "4096K"))
    assert cpu_cache.second_level_bytes(tmp_path) == int(size[:-1]) * 1024
    assert cpu_cache.chunk_bytes(16, tmp_path) == chunk


def test_where_the_system_does_not_tell_it_is_taken_for_one_mebibyte(tmp_path):
    assert cpu_cache.second_level_bytes(tmp_path) == 1 << 20
