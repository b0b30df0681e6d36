"""The Markdown page says what the run file says."""

from __future__ import annotations

from samegrad.reports import table
from samegrad.reports.material import gather
from samegrad.reports.parts import parts_of


def markdown(*paths):
    material = gather(paths)
    return table.markdown(material, parts_of(material))


def test_every_case_has_a_row_with_ratio_interval_and_verdict(make_run, write_run):
    """Median with its unit, ratio to the baseline with its interval for all pairs, and the verdict."""
    content = make_run(problems=("xor",), passes=("forward",), batches=(4,))
    page = markdown(write_run(content))
    line = next(line for line in page.splitlines() if "`torch-eager`" in line)
    assert line.startswith("| 4 | `torch-eager` | 31.8 µs | ")
    assert line.endswith(" | 8.60 (7.64 to 9.68) | slower |")
    assert "xor forward · float32 on cpu, ratio to numpy:" in page
    assert "AMD EPYC 7B13 · 1 thread · float32 on cpu · 3 launches × 20 rounds · 2026-11-22 12:00" in page
    assert "\n    pytest --benchmark-only\n" in page


def test_failures_skips_noise_and_what_is_left_out_are_reported(make_run, write_run):
    """A reader of the table alone knows what is missing and what to doubt."""
    content = make_run()
    ours = content["samegrad"]
    ours["noise"] |= {"noisy": True, "reasons": ["the yardstick's p90/p10 was 1.31"]}
    ours["interrupted"] = True
    ours["failures"] = [{"implementation": "keras-xla", "group": "xor forward", "reason": "died"}]
    ours["skipped"] = [{"implementation": "mlx-jit", "reason": "mlx is not installed"}]
    page = markdown(write_run(content))
    assert "NOISY run: the yardstick's p90/p10 was 1.31" in page
    assert "- **keras-xla** in xor forward: died" in page
    assert "- **mlx-jit**: mlx is not installed" in page
    assert "the run was interrupted; what was complete by then is here" in page


def test_hostile_names_stay_text(make_run, write_run):
    """Pipes, backticks and tags in names neither end a cell nor become markup."""
    names = ("a|b`c<script>", "<i>x</i>*x*", "numpy")
    content = make_run(implementations={name: ("numpy", "m", 10.0**n, 1) for n, name in enumerate(names, start=3)})
    page = markdown(write_run(content))
    assert "| ``a\\|b`c<script>`` |" in page
    assert " than &lt;i&gt;x&lt;/i&gt;\\*x\\*" in page and "<i>" not in page.replace("`<i>x</i>*x*`", "")


def test_the_answer_s_table_is_open_and_the_others_are_folded(make_run, write_run):
    """A summary for a pull request: what is asked first is seen, all else is one click away."""
    page = markdown(write_run(make_run(problems=("line",), batches=(4,))))
    assert page.count("<details>") == page.count("</details>") > 2
    assert page.index("line value\\_and\\_grad · float32 on cpu, ratio to numpy") < page.index("<details>")
    assert "![Time per call, medians. " in page and "](time-per-call-float32-cpu.png)" in page


def test_what_changed_since_an_earlier_run_is_reported(make_run, write_run):
    """The slowdown that is planted is listed with its interval."""
    small = {"problems": ("line",), "passes": ("forward",), "batches": (4,)}
    before, after = make_run(**small), make_run(**small)
    for benchmark in after["benchmarks"]:
        if benchmark["extra_info"]["implementation"] == "jax-jit":
            for launch in benchmark["extra_info"]["launches"]:
                launch["median_ns"] *= 2
    page = markdown(*(write_run(content, f"run{n}.json") for n, content in enumerate((before, after))))
    assert "### From run 1 to run 2" in page and "1 became slower" in page and "| run0.json |" in page
    changed = [line for line in page.splitlines() if line.startswith("| `") and line.endswith("| slower |")]
    assert all(line.startswith("| `jax-jit` | line | forward | 4 | float32 on cpu | ") for line in changed)
    assert (
        page.index(changed[0]) < page.index("<details>")
        and "## Compared with other runs" in page[: page.index("## Time")]
    )
