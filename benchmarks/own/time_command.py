"""The command `samegrad time`, as click sees it; the front door adds it when it is asked for."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from samegrad.impls.console.options import ALONE, LONGEST_S, MOST_LAUNCHES, MOST_THREADS, Finite, margin_of, percentage

if TYPE_CHECKING:
    from samegrad.benchmarks.clock.run import Progress
    from samegrad.impls.console.steps import Steps

WRONG, FAILED = 1, 2


@click.command("time")
@click.argument("targets", nargs=-1, required=True, metavar="A [B …]")
@click.option("--setup", default="", metavar="CODE", help="Run once before; statements and --args see its names.")
@click.option(
    "--args", "arguments", default="", metavar="ARGS", help='What every callable is given: "3, n=np.ones(4)".'
)
@click.option("--inputs", metavar="FILE.py:GEN", help="A generator of arguments, asked untimed before each block.")
@click.option("--wait/--no-wait", "waits", default=True, show_default=True, help="Until the result is ready.")
@click.option("--same", metavar="TOLERANCE", help="Of the largest number, or 'bits'.  [default: half of the digits]")
@click.option(
    "--launches", default=5, show_default=True, type=click.IntRange(1, MOST_LAUNCHES), help="Sets of new processes."
)
@click.option("--threads", default=1, show_default=True, type=click.IntRange(1, MOST_THREADS))
@click.option("--budget", "budget_s", default=30.0, show_default=True, type=Finite(0.1, LONGEST_S), metavar="SECONDS")
@click.option(
    "--time-limit", "time_limit_s", default=300.0, show_default=True, type=Finite(0.1, LONGEST_S), metavar="SECONDS"
)
@click.option("--margin", metavar="PERCENT", help="A difference that matters.  [default: 5%, between contenders 1%]")
@click.option(
    "--contender", "contenders", multiple=True, metavar="NAME=WHERE", help="PATH/python, or git:REF; at least two."
)
@click.option("--repo", metavar="PATH", help="The repository of --contender NAME=git:REF.")
@click.option("--fail-above", metavar="PERCENT", help="Fail where a contender is shown to be slower by more than this.")
@click.option(
    "--json",
    "path",
    is_flag=False,
    flag_value=ALONE,
    metavar="[PATH]",
    help="Save the run file; without PATH, print it alone.",
)
def time_command(targets: tuple[str, ...], path: str | None, **options: Any) -> None:
    """How long does my function take, is it faster than that one, and does it return the same?

    A and B are path/to/file.py:function, module:function, or statements as timeit takes them. Each is timed in
    processes of its own, in turns with the others; the others are compared with A.

    \b
    samegrad time mine.py:fast mine.py:plain --args "3"
    samegrad time "sorted(data)" --setup "data = list(range(1000))"
    samegrad time mine.py:f --contender old=git:main --contender new=git:HEAD

    Exit status: 0, 1 where a result is wrong or a contender slower than --fail-above, 2 for an error, 3 where
    --fail-above could not be judged.
    """
    from samegrad.benchmarks.documents.run import RunDocument
    from samegrad.benchmarks.own import changes, contender, sameness, terminal, timing
    from samegrad.benchmarks.results.verdict import MARGIN, REGRESSION_MARGIN
    from samegrad.impls.console.steps import Steps
    from samegrad.impls.documents.saving import deliver, place
    from samegrad.impls.errors import BadInput, one_line

    limit = percentage("--fail-above", options["fail_above"]) if options["fail_above"] is not None else None
    if limit is not None and not options["contenders"]:
        raise BadInput("--fail-above judges one --contender by another, and there is none")
    environments = contender.read(options["contenders"], options["repo"]) if options["contenders"] else ()
    margin = REGRESSION_MARGIN if environments else MARGIN
    margin = margin_of(options["margin"]) if options["margin"] is not None else margin
    saved = place(RunDocument, path) if path is not None else None
    how = timing.CallOptions(options["setup"], options["arguments"], options["inputs"], options["waits"])
    with Steps(about_s=options["budget_s"]) as say:
        timed = timing.measure(
            targets,
            how,
            _progress(say, options["launches"]),
            margin=margin,
            tolerance=sameness.read_tolerance(options["same"]),
            contenders=environments,
            **{key: options[key] for key in ("launches", "threads", "budget_s", "time_limit_s")},
        )

    def show() -> None:
        for line in terminal.lines(timed, limit):
            click.echo(line)

    if not timed.rows:
        if timed.run.interrupted:
            raise KeyboardInterrupt(timed.run.interrupted_by)
        reasons = dict.fromkeys(failure.reason for failure in timed.group.failures.values())
        click.echo(one_line(f"samegrad time: {'; '.join(reasons)}"), err=True)
        sys.exit(FAILED)
    if path is not None:
        deliver(timed.document, saved, path, show)
    else:
        show()
    if timed.run.interrupted:
        raise KeyboardInterrupt(timed.run.interrupted_by)
    if timed.group.failures:
        sys.exit(FAILED)
    status = changes.gate(timed.file, limit)[0] if limit is not None else 0
    sys.exit(WRONG if timed.is_wrong else status)


def _progress(say: Steps, launches: int) -> Progress:
    """Says which launch has begun."""

    def progress(launch: int, group: int, message: str) -> None:
        if group == 0:
            extra = "" if launch <= launches else ", one more since the run is noisy"
            say(f"launch {launch} of {launches}{extra}")

    return progress
