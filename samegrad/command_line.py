"""The command line, `samegrad`, over the three wings.

Every command imports what it needs when it runs, so that `--help` and `list` answer at once.
"""

from __future__ import annotations

import contextlib
import importlib
import math
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any, TextIO

import click

from samegrad.benchmarks import interrupts
from samegrad.impls.console.options import LONGEST_S, MOST_LAUNCHES, MOST_THREADS, Finite, GivenPath, json_option
from samegrad.impls.console.terminal import columns, fitted, write_plainly
from samegrad.impls.errors import BadInput, Unavailable, one_line

FAILED, KILLED = 2, 128
"""The exit statuses where there is no verdict. As in shells, the number of the signal is added to the second."""

ELSEWHERE = {
    "time": "samegrad.benchmarks.own.time_command:time_command",
    "verify": "samegrad.impls.verifying.verify_command:verify_command",
    "conformance": "samegrad.impls.conformance.conformance_command:conformance_command",
    "train": "samegrad.impls.learning.train_command:train_command",
    "explain": "samegrad.impls.learning.explain_command:explain_command",
    "study": "samegrad.impls.studies.study_command:study_command",
    "optimizers": "samegrad.impls.learning.optimizers_command:optimizers_command",
    "hosts": "samegrad.benchmarks.hosts.hosts_command:hosts_command",
    "gallery": "samegrad.reports.gallery_command:gallery_command",
}
"""Commands with many options, which live beside what they run."""

SUMMARIES = {
    "verify": "is a hand-written gradient right, and if not, why",
    "time": "how long does my function take, and is it faster than that one",
    "list": "the implementations, and which can run here",
    "report": "draw the page, figures and tables of what was saved",
    "hosts": "the same benchmarks on every host of a cluster",
    "gallery": "runs of many machines, one small file each: add one, check one",
    "compare": "what became faster or slower from one run to another",
    "doctor": "is anything on this machine unfair to a contestant",
    "selfcheck": "can the clock be believed on this machine (6 minutes)",
    "ladder": "every execution against its goals (15 minutes)",
    "agree": "do all implementations compute the same gradients (10 minutes)",
    "conformance": "does an implementation keep the contract",
    "train": "one training in every framework, compared",
    "study": "which share of starts learns, and why the others do not",
    "optimizers": "where optimizers of one name differ",
    "explain": "backpropagation step by step, with its numbers",
    "parameters": "write a problem's initial parameters to a file",
}
"""The line of `--help` on each command, in the order in which they are shown; none is imported for it."""


def _found_at(place: str) -> Any:
    """The object that "module:attribute" names."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


class FrontDoor(click.Group):
    """Finds the commands. Exit status 1 is a verdict; whatever is raised is one line on standard error and status 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *ELSEWHERE]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        return _found_at(ELSEWHERE[cmd_name])

    def invoke(self, ctx: click.Context) -> Any:
        _open_what_is_closed()
        for stream in (sys.stdout, sys.stderr):
            write_plainly(stream)
        arrived: list[str] = []
        try:
            try:
                interrupts.raise_again()
                with interrupts.raised() as arrived:
                    return super().invoke(ctx)
            finally:
                sys.stdout.flush()
        except click.UsageError as error:
            command = (error.ctx or ctx).command_path
            click.echo(f"{command}: {one_line(error.format_message())} See: {command} --help", err=True)
            ctx.exit(FAILED)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except (BrokenPipeError, SystemExit) as end:  # rich makes the one into the other
            if not isinstance(end.__context__ or end, BrokenPipeError):
                raise
            _write_nowhere(sys.stdout)  # `samegrad list | head`
            ctx.exit(KILLED + signal.SIGPIPE)
        except KeyboardInterrupt as interrupt:
            _end_interrupted(ctx, str(interrupt) or "SIGINT")
        except Exception as error:
            if arrived:
                _end_interrupted(ctx, arrived[0])
            if sys.flags.dev_mode:
                traceback.print_exc()
            click.echo(f"samegrad: {_in_one_line(error)}", err=True)
            if isinstance(error, OSError):
                _write_nowhere(sys.stdout)
            ctx.exit(FAILED)


def _end_interrupted(ctx: click.Context, signal_name: str) -> None:
    """Say what interrupted it, and end with the exit status of that signal."""
    click.echo(f"\nsamegrad: interrupted by {signal_name}", err=True)
    ctx.exit(KILLED + signal.Signals[signal_name])


def _in_one_line(error: Exception) -> str:
    """The error in one line. Where it is a fault of ours: which, where, and how to see more."""
    from samegrad.impls.child import Failed

    if isinstance(error, FileNotFoundError) and not os.stat(".").st_nlink:
        return "the folder that this was started in is gone; change to one that is there"
    if isinstance(error, OSError) and error.strerror:
        return one_line(f"{error.filename}: {error.strerror}" if error.filename else error.strerror)
    if isinstance(error, (BadInput, Unavailable, Failed, OSError)):
        return one_line(error)
    last = traceback.extract_tb(error.__traceback__)[-1]
    what = one_line("".join(traceback.format_exception_only(error)))
    return f"a fault of its own: {what} ({last.filename}:{last.lineno}; for more: python -X dev -m samegrad …)"


def _open_what_is_closed() -> None:
    """Give standard input, output and error a place where a caller has closed them: a pipe would get their numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115


def _write_nowhere(stream: TextIO) -> None:
    """Drop what is left in the stream: Python would complain at its end that nobody takes it."""
    with contextlib.suppress(OSError, ValueError):
        stream.flush()
        return
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@click.group(cls=FrontDoor, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="samegrad")
def main() -> None:
    """One tiny network, four frameworks, the same gradients, and what each one costs.

    \b
    pytest --benchmark-only        what does each framework cost?
    samegrad verify my_net.py:Net  is my hand-written gradient right?
    samegrad report                show me
    """


@main.command("list")
def list_() -> None:
    """The implementations: framework, execution, and whether they can run here."""
    from rich.console import Console
    from rich.table import Table

    from samegrad.impls.registry import LEFT_OUT, PROVIDED, REGISTRY, default

    table = Table(box=None, pad_edge=False)
    for heading in ("name", "framework", "execution", "here"):
        table.add_column(heading, no_wrap=heading in ("name", "here"))
    missing: dict[str, None] = {}
    measured = default()
    for entry in REGISTRY.values():
        reason = entry.missing()
        if reason:
            missing[reason.removeprefix(entry.name).strip()] = None
        here = "missing" if reason else " ".join(next(iter(entry.versions().items())))
        table.add_row(entry.name + (" *" if entry.name in measured else ""), entry.framework, entry.execution, here)
    console = Console(highlight=False)
    console.print(table)
    click.echo("\n* measured by default")
    for entry in PROVIDED:
        click.echo(f"provided: {entry.name} is of {entry.distribution}")
    for reason in missing:
        click.echo(fitted(f"missing: {reason}", sys.stdout))
    for reason in LEFT_OUT:
        click.echo(fitted(f"left out: {reason}", sys.stdout))


@main.command()
@click.argument("problem")
@click.argument("file", type=GivenPath(dir_okay=False))
@click.option("--seed", type=click.IntRange(min=0), default=42, show_default=True)
@click.option(
    "--scale", type=Finite(), default=1.0, show_default=True, help="Standard deviation of weights and biases."
)
def parameters(problem: str, file: Path, seed: int, scale: float) -> None:
    """Write PROBLEM's initial parameters to FILE, an .npz that any program can start from."""
    from samegrad.impls.parameters import save, tensors
    from samegrad.impls.problem import get_problem

    initial = get_problem(problem).parameters(seed, scale)
    save(file, initial)
    shapes = ", ".join(f"{name} {tensor.shape}" for name, tensor in tensors(initial).items())
    click.echo(f"{file}: {shapes}, float64, seed {seed}")


@main.command()
@click.argument("runs", nargs=-1, metavar="[FILE.json]…", type=GivenPath())
@click.option("--out", type=GivenPath(file_okay=False), help="Folder.  [default: reports/latest]")
def report(runs: tuple[Path, ...], out: Path | None) -> None:
    """Draw a page, figures and tables from run files (the latest by default).

    Of several runs the last is drawn, and compared with the others. What the other commands save or print as JSON
    (agree, train, study, optimizers, ladder, selfcheck) is drawn beside them or alone; a file is known by its format.
    """
    click.echo("Reading …")
    from samegrad.reports.report import draw

    draw(runs, out)


@main.command()
@click.argument("before", type=GivenPath())
@click.argument("after", type=GivenPath())
@click.option("--fail-above", metavar="PERCENT", help="Fail where a case is shown to be slower by more than this.")
@click.option("--allow-missing", is_flag=True, help="Pass though cases are gone, or cannot be judged.")
def compare(before: Path, after: Path, fail_above: str | None, allow_missing: bool) -> None:
    """What became faster or slower from one run file to another.

    Exit status with --fail-above: 0 no case is slower, 1 one is, 2 the runs cannot be compared, 3 cases are missing
    or could not be judged.
    """
    from samegrad.reports.compare import compare as compare_runs

    sys.exit(compare_runs(before, after, fail_above, allow_missing, width=columns(sys.stdout)))


@main.command()
@click.option("--implementations", default="all", show_default=True, help="Names or patterns, comma-separated.")
@click.option("--problems", default="xor,line", show_default=True, help="Or networks by their layers: 8-64-2:relu.")
@click.option("--dtypes", default="float32,float64", show_default=True)
@click.option("--scales", default="1,10,100", show_default=True, help="Of the initial parameters.")
@click.option("--seeds", default=5, show_default=True, type=click.IntRange(1, 1000), help="How many.")
@click.option("--drift/--no-drift", default=True, show_default=True, help="Train 1,000 steps beside float64, too.")
@click.option("--threads", default=1, show_default=True, type=click.IntRange(1, MOST_THREADS))
@click.option("--tables", is_flag=True, help="Show every problem, scale and tensor.")
@json_option("reports/agreements")
def agree(
    implementations: str,
    problems: str,
    dtypes: str,
    scales: str,
    seeds: int,
    drift: bool,
    threads: int,
    tables: bool,
    asked: str | None,
) -> None:
    """Do all implementations compute the same gradients?

    Exit status: 0 all that ran do, 1 one does not, 2 cannot tell.
    """
    from rich.console import Console

    from samegrad.impls.checking import survey
    from samegrad.impls.console.steps import Steps
    from samegrad.impls.documents.agreement import AgreementDocument
    from samegrad.impls.documents.saving import deliver, place
    from samegrad.impls.errors import choose
    from samegrad.impls.problem import DTYPES, get_problem
    from samegrad.impls.registry import select

    try:
        wanted_scales = [float(scale) for scale in scales.split(",")]
    except ValueError:
        wanted_scales = [math.nan]
    if not all(0 < scale < math.inf for scale in wanted_scales):
        raise BadInput(f"--scales takes positive numbers separated by commas, such as 1,10,100; found {scales!r}")
    path = place(AgreementDocument, asked)
    names = [entry.name for entry in select(implementations.split(","))]
    how: dict[str, Any] = {
        "problems": [get_problem(name.strip()).name for name in problems.split(",")],
        "dtypes": [choose("dtype", name, DTYPES) for name in dtypes.split(",")],
        "scales": wanted_scales,
        "seeds": range(seeds),
        "with_drift": drift,
        "threads": threads,
    }
    with Steps(survey.steps(names, drift)) as progress:
        result = survey.run(names, **how, progress=progress)
    deliver(
        lambda: AgreementDocument.of(result), path, asked, lambda: Console().print(survey.render(result, whole=tables))
    )
    sys.exit(survey.exit_status(result))


@main.command()
@click.option("--launches", default=3, show_default=True, type=click.IntRange(1, MOST_LAUNCHES))
@click.option("--budget", "budget_s", default=600.0, show_default=True, type=Finite(1, LONGEST_S), metavar="SECONDS")
@json_option("reports/ladders")
def ladder(launches: int, budget_s: float, asked: str | None) -> None:
    """Every rung of every framework beside its goals: the obvious way, the best way, the floor."""
    from samegrad.benchmarks.clock.foreseen import budget_warning
    from samegrad.benchmarks.clock.ladder import cases, measure_ladder, show, steps
    from samegrad.benchmarks.clock.record import Request
    from samegrad.benchmarks.documents.ladder import MISSED, Ladder
    from samegrad.impls.console.steps import Steps
    from samegrad.impls.documents.saving import deliver, place

    path = place(Ladder, asked)
    request = Request(cases(), launches=launches, budget_s=budget_s)
    if warning := budget_warning(request):
        click.echo(fitted(warning, sys.stderr), err=True)
    with Steps(steps(request)) as say:
        ladder, interrupt = measure_ladder(request, say)
    deliver(lambda: ladder, path, asked, lambda: show(ladder))
    if interrupt:
        raise KeyboardInterrupt(interrupt)
    sys.exit(int(any(goal.word == MISSED for goal in ladder.goals)))


@main.command()
@json_option("reports/doctor")
def doctor(asked: str | None) -> None:
    """Is anything on this machine unfair to a contestant? Exit status 1 if so."""
    from samegrad.benchmarks.clock import cpus
    from samegrad.benchmarks.clock.doctor import CHECKS, Machine, examine
    from samegrad.benchmarks.documents.doctor import Doctor
    from samegrad.impls.documents.base import made
    from samegrad.impls.documents.saving import deliver, place

    path = place(Doctor, asked)
    pinned_to = cpus.choose(1)
    handicaps = examine(Machine(pinned_to=pinned_to))
    lines = [f"{handicap.handicap}: {handicap.sentence}" for handicap in handicaps]
    fit = f"Fit: none of {len(CHECKS)} checks found a handicap."
    entries = [{"handicap": handicap.handicap, "sentence": handicap.sentence} for handicap in handicaps]
    document = Doctor.of({"date": made(), "fit": not handicaps, "pinned_to": pinned_to, "handicaps": entries})
    deliver(lambda: document, path, asked, lambda: click.echo(fitted("\n".join(lines or [fit]), sys.stdout)))
    sys.exit(1 if handicaps else 0)


@main.command()
@click.option("--quick", is_flag=True, help="Under a minute, with wider limits.")
@click.option("--tables", "whole", is_flag=True, help="Show every figure, not only what was missed.")
@json_option("reports/selfchecks")
def selfcheck(quick: bool, whole: bool, asked: str | None) -> None:
    """Can the clock be believed on this machine? Known work under known loads; about 6 minutes."""
    from rich.console import Console

    from samegrad.benchmarks.clock.selfcheck import tables
    from samegrad.benchmarks.clock.selfcheck.command import selfcheck as run_selfcheck
    from samegrad.benchmarks.documents.selfcheck import MISSED, Selfcheck
    from samegrad.impls.documents.saving import deliver, place

    path = place(Selfcheck, asked)
    report = run_selfcheck(quick)
    deliver(lambda: report, path, asked, lambda: tables.show(report, Console(), whole))
    sys.exit(int(any(finding.result == MISSED for finding in report.findings)))
