"""No GPU: one line and exit status 2 where it was asked for, one line where all was asked for, and else silence."""

from __future__ import annotations

import pytest

from tests.benchmarks.test_plugin import pytest_

NUMPY = ["--implementations=numpy", "--problems=xor", "--passes=forward", "--batches=4", "--launches=1", "--budget=0.2"]
LINE = "No gpu here: none of the implementations could use one.\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "code", "lines"),
    [(["--device=gpu"], 2, 1), (["--device=cpu,gpu"], 2, 1), (["--device=all"], 0, 1), ([], 0, 0)],
    ids=["gpu", "cpu and gpu", "all", "cpu"],
)
def test_an_absent_device_is_reported_in_one_line(tmp_path, options, code, lines):
    """NumPy has no GPU on any machine."""
    done = pytest_("--benchmark-only", "-q", *NUMPY, *options, f"--benchmark-json={tmp_path}/run.json")
    assert done.code == code, done.output
    assert done.output.count(LINE) == done.output.count("No gpu") == lines


@pytest.mark.slow
def test_tf32_on_a_cpu_is_skipped_with_the_reason(tmp_path):
    done = pytest_("--benchmark-only", "-q", "-rs", *NUMPY, "--tf32", f"--benchmark-json={tmp_path}/run.json")
    assert done.code == 0 and "1 passed, 1 skipped" in done.output
    assert "'cpu' has no TF32: NVIDIA GPUs have it from compute capability 8.0 on; leave --tf32 out" in done.output
