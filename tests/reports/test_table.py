"""The Markdown table says what the run file says."""

from __future__ import annotations

from reports import runs, table


def test_every_case_has_a_row_with_ratio_interval_and_verdict(make_run, write_run):
    """Median with its unit, ratio to the baseline with its interval, and the clock's verdict."""
    content = make_run(problems=("xor",), passes=("forward",), batches=(4,))
    row = content["samegrad"]["groups"][0]["rows"][3]
    row.update(implementation="torch-eager", median_ns=31_800.0, ratio=8.6, low=8.42, high=8.79, verdict="slower")
    page = table.markdown(runs.read(write_run(content)))
    line = next(line for line in page.splitlines() if "`torch-eager`" in line)
    assert line.startswith("| 4 | `torch-eager` | 31.8 µs | ")
    assert line.endswith(" | 8.60 (8.42 to 8.79) | slower |")
    assert "AMD EPYC 7B13 · 1 thread · float32 on cpu · 3 launches × 20 rounds · 2026-11-22 12:00" in page
    assert "Made by `pytest --benchmark-only`." in page


def test_failures_skips_noise_and_what_is_left_out_are_told(make_run, write_run):
    """A reader of the table alone knows what is missing and what to doubt."""
    content = make_run()
    ours = content["samegrad"]
    ours["noise"] = {"noisy": True, "reasons": ["the yardstick's p90/p10 was 1.31"]}
    ours["failures"] = [{"implementation": "keras-xla", "group": "xor forward", "reason": "died"}]
    ours["skipped"] = [{"implementation": "mlx-jit", "reason": "mlx is not installed"}]
    content["benchmarks"][0]["stats"] = {}
    ours["groups"][0]["rows"] = []
    page = table.markdown(runs.read(write_run(content)))
    assert "NOISY run: the yardstick's p90/p10 was 1.31" in page
    assert "- `keras-xla` in xor forward: died" in page
    assert "- `mlx-jit`: mlx is not installed" in page
    assert "numpy has no samples in group" in page


def test_hostile_names_stay_text(make_run, write_run):
    """Pipes, backticks and tags in names neither end a cell nor become markup."""
    content = make_run(implementations={"a|b`c<script>": ("numpy", "manual", 1000, 1)})
    content["samegrad"]["groups"][0]["sentence"] = "<script>alert(1)</script> | *x*"
    page = table.markdown(runs.read(write_run(content)))
    assert "| ``a\\|b`c<script>`` |" in page
    assert "<script>alert" not in page and "\\| \\*x\\*" in page
