"""The target's own process: `python -m impls.verifying.targets.process`, a request on stdin, the answer on a pipe.

What the target prints goes to stderr, so that it cannot be mistaken for the answer; it reads nothing from stdin.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from impls.errors import BadInput
from impls.verifying import messages
from impls.verifying.targets import own_loss, rules, source
from impls.verifying.targets.functions import FunctionTarget
from impls.verifying.targets.observe import (
    Target,
    describe,
    find_target,
    flat_targets,
    observe,
    other_orientation,
    own_data,
)
from impls.verifying.targets.reading import Unreadable


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Load the target and observe it; never raises for what is wrong with the target."""
    try:
        return _answer(request)
    except source.UserError as error:
        return {"error": "traceback", "text": str(error)}
    except (Unreadable, BadInput) as error:
        return {"error": "unreadable", "text": str(error)}
    except Exception as error:  # a fault of ours must not look like one of the target's
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        return {
            "error": "unreadable",
            "text": f"samegrad itself failed on it ({type(error).__name__}: {error}; {place})",
        }


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    np.random.seed(0)
    path = Path(request["path"])
    module = source.load(path)
    text = path.read_text(encoding="utf-8", errors="replace")
    name = request["name"] or source.guess_name(module, path)
    thing, _ = source.find(module, name, path)
    shapes = own_data(module, text)
    if rules.is_rule(thing):
        network = rules.network(thing, path)
        if network is None:
            return rules.check(thing, name, path)
        target: Target = FunctionTarget(module, network, path)
    else:
        target = find_target(
            module,
            name,
            path,
            init=request.get("init"),
            mapping=request.get("parameters"),
            arguments=request.get("arguments"),
        )
    flat = flat_targets(shapes) and own_targets_count(shapes)
    if request.get("loss_file"):
        return own_loss.check(target, Path(request["loss_file"]), request["loss_name"], path, name, flat)
    groups = observe(target, flat, request.get("sizes"))
    own_loss_found = own_loss.of_returned(target, groups[0], flat) if request.get("differentiate_loss") else None
    return {
        "name": name,
        "groups": [group.answer() for group in groups],
        "alternatives": [group.answer() for group in other_orientation(target, groups, flat)],
        "names": dict(describe(target)),
        "layers": target.layers,
        "activations": source.activations(text),
        "literals": source.literals(text),
        "own": {role: list(shape) for role, shape in shapes.items()},
        "own_outputs": _own_outputs(target, groups[0].flipped),
        "own_loss": own_loss_found,
    }


def own_targets_count(shapes: dict[str, tuple[int, ...]]) -> bool:
    return len(shapes.get("y", ())) == 1


def _own_outputs(target: Target, flipped: bool) -> int:
    """The outputs of the network whose weights the file itself holds under the arguments' names; 0 if it holds none."""
    if target.fixed_sizes:
        return target.fixed_sizes[-1]
    weights = getattr(target.module, target.names.get(f"W{target.layers}", ""), None)
    shape = np.shape(weights) if isinstance(weights, np.ndarray) else ()
    return int(shape[0 if flipped else 1]) if len(shape) == 2 else 0


def main() -> None:
    request = messages.loads(sys.stdin.buffer.read().decode())
    out = os.fdopen(int(sys.argv[1]), "w", encoding="utf-8")
    sys.stdin = open(os.devnull)  # noqa: SIM115  (it stays open as long as the process)
    os.dup2(2, 1)
    out.write(messages.dumps(answer(request)))
    out.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
