"""Numbers of threads in a report: figures apart, and a section that says whether more help."""

from __future__ import annotations

import json
from dataclasses import replace

from samegrad.reports import runs
from samegrad.reports.material import Material
from samegrad.reports.parts import threads
from tests.reports.test_widths import group


def with_threads(content: dict, counts: tuple[int, ...]) -> dict:
    """The run again with each of those numbers of threads, in groups of their own."""
    more = json.loads(json.dumps(content))
    for benchmark in list(content["benchmarks"]):
        for count in counts[1:]:
            copy = json.loads(json.dumps(benchmark))
            copy["group"] += f" threads={count}"
            copy["extra_info"]["threads_asked"] = count
            more["benchmarks"].append(copy)
    more["samegrad"]["options"] |= {"threads": max(counts), "thread_counts": list(counts)}
    return more


def test_each_number_of_threads_has_a_setting_of_its_own(make_run, write_run):
    content = make_run(problems=("xor",), passes=("value_and_grad",), batches=(4, 256))
    run = runs.read(write_run(with_threads(content, (1, 2))))
    assert run.settings == [("float32", "cpu"), ("float32", "cpu, 2 threads")]
    alone = runs.read(write_run(content))
    assert alone.settings == [("float32", "cpu")]


def test_the_section_says_whom_more_threads_help(make_run, write_run):
    read = runs.read(write_run(make_run()))
    several = replace(group(64), threads=2, device="cpu, 2 threads")
    cases = tuple(
        replace(case, launches=tuple(replace(one, samples_ns=one.samples_ns / 2) for one in case.launches))
        if case.implementation == "numpy"
        else case
        for case in several.cases
    )
    run = replace(read, groups=(group(64), replace(several, cases=cases)))
    _, sentence, _ = threads.part(Material((run,))).blocks
    assert sentence.text.startswith("2-64-1 value_and_grad: 2 threads help numpy at batch 4 (0.500×")
    assert threads.part(Material((read,))) is None
