"""The target's own process: a request comes in, and what was observed in each way of using the target goes out.

    python -m samegrad.impls.verifying.target.serve READ WRITE       two pipes: from the parent, to the parent

Messages are described in `verifying/child.py`. The parent stops reading as soon as it knows enough. What the target
prints goes nowhere, and it reads nothing.
"""

from __future__ import annotations

import inspect
import itertools
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from samegrad.impls.errors import BadInput
from samegrad.impls.verifying import child, probe
from samegrad.impls.verifying.target import adapter, losses, names, rules, script, source
from samegrad.impls.verifying.target.calls import Unreadable
from samegrad.impls.verifying.target.constructor import fix_unseeded_generators
from samegrad.impls.verifying.target.observe import ObservedWay, groups, observe, one
from samegrad.impls.verifying.target.places import to_array
from samegrad.impls.verifying.target.structure import chains
from samegrad.impls.verifying.target.subjects import ArgumentSubject, Subject
from samegrad.impls.verifying.target.ways import Way, find_subject, ways

WAYS = 10
"""Ways that work and are passed on, at most, for networks of one size: a right one was among the first eight so far."""
STRANGE = 4
"""Ways whose gradients have other shapes than their parameters: passed on where there are no others."""
WIDE = (19, 23, 21)
"""More of everything than sizes that are written into a program of plain lists."""
LOOK_S, FIND_S, ALL_S = 1.5, 5.0, 10.0
"""Processor time for networks of one size after a way was found, and before; and for those of all sizes."""
AT_LEAST = 40
"""Ways that are tried for each size, however long they take: the likely ones."""
DEPTHS_OF = 3
"""Ways of which other depths are observed too."""
NATURAL = ("rows", "flat targets", "columns", "labels", "one row")
"""The data as a person would give it first: of the errors that were raised, those are shown."""


def answer(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What is observed of the target, message by message; never raises for what is wrong with it."""
    try:
        yield from _answer(request)
    except source.UserError as error:
        yield {"error": "traceback", "text": str(error), "adapter": getattr(error, "adapter", "")}
    except (Unreadable, BadInput) as error:
        yield {"error": "unreadable", "text": str(error), "adapter": getattr(error, "adapter", "")}
    except Exception as error:  # a fault of ours must not look like one of the target's
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        yield {
            "error": "unreadable",
            "text": f"samegrad itself failed on it ({type(error).__name__}: {error}; {place})",
        }


def _answer(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    np.random.seed(0)
    fix_unseeded_generators()
    path = Path(request["path"])
    step = script.of_file(path) if request["name"] in ("", script.STEP) and path.is_file() else None
    if step and not request["name"]:
        raise Unreadable(step.message(path))
    module = source.load(path, request["name"], f"{step.before}\n{step.function}\n" if step else "")
    if step:
        request = {**request, "arguments": request["arguments"] or step.roles}
    text = source.read(path)
    name = request["name"] or source.guess_name(module, path)
    thing, _ = source.find(module, name, path)
    try:
        for message in _of_thing(thing, name, module, text, path, request):
            yield {**message, "lines": step.lines} if step and "literals" in message else message
    except (source.UserError, Unreadable) as error:
        error.adapter = adapter.around(thing, name, path)  # type: ignore[union-attr]
        raise


def _of_thing(
    thing: Any, name: str, module: Any, text: str, path: Path, request: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """What is observed of the thing of that name. Raises UserError and Unreadable where it cannot be used."""
    shapes = own_data(module, text, _data_arguments(thing, request["arguments"]))
    subject: Subject
    if rules.is_rule(thing):
        network = rules.network(thing, path)
        if network is None:
            yield rules.check(thing, path)
            return
        subject = ArgumentSubject(module, network, path)
    else:
        subject = find_subject(
            module, name, path, init=request.get("init"), mapping=request.get("parameters"),
            arguments=request.get("arguments"),
        )  # fmt: skip
    yield {
        "activations": source.activations(text),
        "literals": source.literals(text),
        "ascends": "likelihood" in text.lower() or "ascent" in text.lower(),
        "adds": source.adds(text),
        "own": {role: list(shape) for role, shape in shapes.items()},
        "float32": "float32" in text,
        "speaks_of_entropy": bool(source.OF_ENTROPY.search(text)),
    }
    yield from _groups(subject, request, path, module, flat_targets(shapes))


def _groups(subject: Subject, request: dict[str, Any], path: Path, module: Any, flat: bool) -> Iterator[dict[str, Any]]:
    given = _given_loss(request, path, module)
    wanted = request.get("differentiate") or {}
    failures: list[Exception] = []
    number = 0
    forward_seen = False
    end = time.process_time() + ALL_S
    strange: list[ObservedWay] = []

    def found() -> int:
        return number

    def written() -> list[tuple[int, ...]]:
        return [] if number else _written(failures, strange)

    for sizes, is_last_resort in _sizes(subject, request.get("sizes"), flat, written):
        late = time.process_time() > end
        if is_last_resort and (forward_seen or late or (number and sizes == WIDE)):
            break
        of_size = 0
        for group in groups(_for_a_while(_all_ways(subject, sizes, flat, failures), found), failures, strange):
            number, of_size = number + 1, of_size + 1
            reading = group.observed[0].reading
            forward_seen |= reading.predictions is not None or bool(reading.outputs and len(sizes) > 2)
            if of_size > WAYS:
                break
            if (message := _asked_of(group, number, wanted, given)) is not None:
                yield message
    for group in strange[:STRANGE] if not number else ():
        number += 1
        if (message := _asked_of(group, number, wanted, given)) is not None:
            yield message
    if not number and (by_chance := _as_many_rows_as_units(subject, flat)):
        yield _message(by_chance, 1)
    elif not number:
        error = _without_layers(subject) or _most_natural(failures)
        if isinstance(error, Unreadable):
            raise Unreadable(f"{error}") from None
        raise error


def _for_a_while(every: Iterator[Way], found: Callable[[], int]) -> Iterator[Way]:
    """As many of the ways as there is time for since the last one that was `found`."""
    before, since = found(), time.process_time()
    for tried, way in enumerate(every):
        if found() > before:
            before, since = found(), time.process_time()
        if tried >= AT_LEAST and time.process_time() - since > (LOOK_S if before else FIND_S):
            return
        yield way


def _asked_of(
    group: ObservedWay, number: int, wanted: dict[str, Any], given: tuple[Callable, Path] | None
) -> dict[str, Any] | None:
    """The message on a group, with the loss that is to be differentiated; None where another group is wanted."""
    if wanted and wanted["way"] != number:
        return None
    message = _message(group, number)
    which = wanted.get("of") or ("" if given is None else "given")
    if which:
        message["losses"] = losses.differentiate(group, which, given)
    elif number <= DEPTHS_OF:
        message["deeper"] = [_message(other, 0) for other in _other_depths(group)]
    return message


def _all_ways(subject: Subject, sizes: Sequence[int], flat: bool, failures: list[Exception]) -> Iterator[Way]:
    try:
        yield from ways(subject, sizes, flat)
    except (source.UserError, Unreadable) as error:
        failures.append(error)


def _sizes(
    subject: Subject, asked: Sequence[int] | None, flat: bool, written: Callable[[], list[tuple[int, ...]]]
) -> Iterator[tuple[tuple[int, ...], bool]]:
    """The layer sizes to try, those that tell most first; and whether only a target that takes no others gets them.

    `written` are those that the results had so far: a program of plain lists may have its sizes written into it.
    """
    if asked or subject.fixed_sizes:
        yield from ((tuple(sizes), False) for sizes in ([asked] if asked else subject.fixed_sizes))
        return
    for turn, depth in enumerate(subject.depths):
        general = probe.general_sizes(depth)
        if not flat:
            yield general, turn > 0
            yield from ((sizes, True) for sizes in written() if sizes != general)
        yield probe.one_output(general), turn > 0
        yield (*general[:-1], 2), True  # two classes, as they are written into a program
        if depth <= 2:
            yield ((2, 4, 1) if depth == 2 else (1, 1)), True
    if isinstance(subject, ArgumentSubject):
        yield from ((sizes, True) for sizes in subject.own_sizes)
        yield WIDE, True
        yield from ((sizes, True) for sizes in written() if sizes != WIDE)


def _written(failures: list[Exception], strange: list[ObservedWay]) -> list[tuple[int, ...]]:
    """The layer sizes of the matrices that were returned where others were due, with a bias inside them or not."""
    shapes = [getattr(error, "matrices", []) for error in failures]
    shapes += [_strange_shapes(group) for group in strange]
    return list(dict.fromkeys(sizes for some in shapes for sizes in chains(some)))


def _strange_shapes(group: ObservedWay) -> list[tuple[int, ...]]:
    """The shapes of the weights' gradients; none where one is due, as then the sizes are not written in."""
    sizes = group.way.form.sizes
    shapes = [g.shape for t, g in group.observed[0].reading.gradients.items() if t[0] == "W"]
    return [] if set(shapes) & set(itertools.pairwise(sizes)) else shapes


def _without_layers(subject: Subject) -> Unreadable | None:
    """What to do with a class that has no weights before layers are added to its objects."""
    if isinstance(subject, ArgumentSubject) or not subject.constructor.is_class or subject.has_weights:
        return None
    adds = next((n for n in dir(subject.root) if n.lower().startswith("add")), "")
    kind, file = subject.root.__name__, subject.path.name
    todo = (
        f"a {kind} has no weights before {adds} is called. Make one with its layers at the top level of the file, as "
        f"net = {kind}(…) and net.{adds}(…), and name that: samegrad verify {file}:net"
    )
    return Unreadable(todo) if adds else None


def _as_many_rows_as_units(subject: Subject, flat: bool) -> ObservedWay | None:
    """The last resort: as many rows as hidden units, where shapes that do not belong together fit by chance."""
    sizes = subject.fixed_sizes[0] if subject.fixed_sizes else (2, 4, 1) if subject.depths[0] > 1 else (1, 1)
    rows = sizes[1] if len(sizes) > 2 else sizes[0]
    for way in _all_ways(subject, sizes, flat, []):
        try:
            group = observe(way, (rows, rows))
        except (source.UserError, Unreadable, ValueError):
            continue
        for other in probe.BATCHES:
            try:
                one(way, other, 2)
            except source.UserError as error:
                group.refused.append((other, str(error).splitlines()[-1]))
            except (Unreadable, ValueError) as error:
                group.refused.append((other, str(error)))
        return group
    return None


def _other_depths(group: ObservedWay) -> Iterator[ObservedWay]:
    """The same way of using the target, for networks of other depths, where it can have them."""
    way = group.way
    own = way.form.layers
    variable = isinstance(way.subject, ArgumentSubject) or len(way.subject.depths) > 1
    end = time.process_time() + LOOK_S
    for depth in (3, 1, 4) if variable and not way.form.born_late and not way.subject.fixed_sizes else ():
        sizes = probe.general_sizes(depth)
        sizes = sizes if way.form.sizes[-1] > 1 else probe.one_output(sizes)
        if depth == own:
            continue
        failed: list[Exception] = []
        for other in _all_ways(way.subject, sizes, False, failed):
            if time.process_time() > end:
                return
            if other.data != way.data or other.plan != way.plan or other.form.layers != depth:
                continue
            try:
                observed = observe(replace(other, lift=way.lift))
            except (source.UserError, Unreadable, ValueError):
                continue
            yield observed
            break


def _message(group: ObservedWay, number: int) -> dict[str, Any]:
    """A group as the parent reads it."""
    way = group.way
    return {
        "way": number,
        "sizes": list(way.form.sizes),
        "layout": way.data.name,
        "flipped": way.form.flipped,
        "kind": way.plan.kind,
        "main": way.plan.main,
        "names": way.form.names,
        "start": way.start,
        "born_late": way.form.born_late,
        "hypothesis": list(way.hypothesis),
        "takes_outputs": _takes_outputs(way),
        "refused": [list(item) for item in group.refused],
        "repeat": group.repeat,
        "slow": group.slow,
        "observed": [
            {"parameters": [[W, b] for W, b in o.parameters], "x": o.x, "y": o.y}
            | {name: getattr(o.reading, name) for name in READ}
            for o in group.observed
        ],
    }


READ = (
    "gradients", "slack", "kind", "loss", "predictions", "dtype", "absent", "rate_known", "rate", "loss_is_given",
    "outputs", "numbers",
)  # fmt: skip
"""Of a reading."""


def _takes_outputs(way: Way) -> bool:
    """Does the target itself say how many outputs its network has, or make as many as the targets have?"""
    subject = way.subject
    if way.form.born_late:
        return True
    if isinstance(subject, ArgumentSubject):
        return False
    return bool(subject.fixed_sizes or {"outputs_size", "sizes"} & set(subject.constructor.roles.values()))


def _given_loss(request: dict[str, Any], path: Path, module: Any) -> tuple[Callable, Path] | None:
    if not request.get("loss_file"):
        return None
    file = Path(request["loss_file"])
    holder = module if file.resolve() == path.resolve() else source.load(file, request["loss_name"])
    return source.find(holder, request["loss_name"], file)[0], file


def _most_natural(failures: list[Exception]) -> Exception:
    """The error of the call that a person would make first, and of those the one that got furthest."""

    def rank(error: Exception) -> tuple[bool, int, bool]:
        way = getattr(error, "way", None)
        natural = way is None or way.data.name in NATURAL
        return natural, getattr(error, "depth", 0), isinstance(error, source.UserError)

    return max(failures, key=rank, default=Unreadable("it cannot be called"))


def _data_arguments(thing: Any, roles: Sequence[str] | None) -> dict[str, str]:
    """The arguments of a function of which the roles x and y are given, by name."""
    if not roles or not inspect.isfunction(thing):
        return {}
    return {a: role for a, role in zip(source.signature(thing).parameters, roles, strict=False) if role in ("x", "y")}


def own_data(module: Any, text: str, given: dict[str, str]) -> dict[str, tuple[int, ...]]:
    """The shapes of the inputs and targets that the file keeps at its top level: {"x": …, "y": …}.

    They are those of the names that are `given`, or of names that say what they hold.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for name, value in vars(module).items():
        role = given.get(name) if given else names.role(name, ("x", "y", "output"))
        array = to_array(value) if role and isinstance(value, np.ndarray | list) else None
        if array is None or array.ndim not in (1, 2):
            continue
        role = "y" if role in ("output", None) else role
        reshaped = any(f"{name}{mark}" in text for mark in (".reshape", "[:, None", "[:, np.newaxis", "[:,None"))
        if not (role == "y" and array.ndim == 1 and reshaped):
            shapes.setdefault(role, array.shape)
    return shapes


def flat_targets(shapes: dict[str, tuple[int, ...]]) -> bool:
    """Are the file's own targets of shape (n,) beside inputs of n rows?"""
    x, y = shapes.get("x"), shapes.get("y")
    return bool(x and y and len(x) == 2 and len(y) == 1 and y[0] > 1 and x[0] == y[0])


if __name__ == "__main__":
    child.serve(answer, int(sys.argv[1]), int(sys.argv[2]))
