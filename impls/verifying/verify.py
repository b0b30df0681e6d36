"""`samegrad verify`: is a hand-written gradient right? If not, which mistake is it?

    run(target) → Report, with verdict, mistakes, evidence and exit_code: 0 right, 1 wrong, 2 cannot tell

The target is observed in a process of its own; everything that is concluded is concluded here, from its answers.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from samegrad.impls.errors import BadInput, choose
from samegrad.impls.problem import OUTPUTS
from samegrad.impls.verifying.candidate import Asked
from samegrad.impls.verifying.child import Ended, TargetProcess
from samegrad.impls.verifying.conventions import CONVENTIONS, Convention, get_conventions
from samegrad.impls.verifying.report import UNKNOWN, Report
from samegrad.impls.verifying.verdict import conclude
from samegrad.impls.verifying.writing import cannot_tell

TIME_LIMIT_S = 60.0
PROCESS = "samegrad.impls.verifying.target.serve"


def run(
    target: str,
    *,
    loss: str | None = None,
    activations: Sequence[str] | None = None,
    sizes: Sequence[int] | None = None,
    init: dict[str, Any] | None = None,
    parameters: dict[str, str] | None = None,
    arguments: Sequence[str] | None = None,
    dtype: str | None = None,
    frameworks: bool = False,
    time_limit_s: float = TIME_LIMIT_S,
    hint: bool = False,
) -> Report:
    """Check `path/to/file.py:name`.

    loss: one of STRICT or FAMILIES, which must then be met, or file.py:loss. activations, sizes: of the network, if
    known. init: arguments for a class's constructor. parameters: tensor → attribute. arguments: the roles of a
    function's arguments, x, y, W1, b1, …. frameworks: compare with the installed frameworks' autodiff too.
    hint: show the equation to look at and not the mistake.
    Raises BadInput for a request that makes no sense; whatever the target does, or fails in, is a Report.
    """
    path, name = split_target(target)
    if not 0 < time_limit_s <= 86_400:
        raise BadInput(f"--time-limit takes seconds, more than 0 and at most a day; found {time_limit_s:g}")
    request: dict[str, Any] = {"path": str(path), "name": name, "init": init, "parameters": parameters}
    request["arguments"] = list(arguments) if arguments else None
    request["sizes"] = list(sizes) if sizes else None
    conventions: Sequence[Convention] = CONVENTIONS
    own_loss = bool(loss) and (".py" in str(loss) or ".ipynb" in str(loss))
    if loss and own_loss:
        loss_path, loss_name = split_target(loss)
        if not loss_name:
            raise BadInput(f"--loss {loss}: say which function of the file, as file.py:loss")
        request.update(loss_file=str(loss_path), loss_name=loss_name)
    elif loss:
        conventions = get_conventions(loss)
    for activation in activations or ():
        choose("activation", activation, OUTPUTS)
    asked = Asked(target, conventions, bool(loss) and not own_loss, own_loss, activations, dtype)
    try:
        report = _observe_and_conclude(asked, request, frameworks, time_limit_s)
    except BadInput:
        raise
    except Ended as end:
        report = cannot_tell(target, {"error": "unreadable", "text": str(end)})
    except Exception as error:  # a fault of ours is no verdict on the target
        report = Report(target, UNKNOWN, f"cannot tell: samegrad itself failed on it ({type(error).__name__}: {error})")
    report.hint = hint
    return report


@np.errstate(all="ignore")  # an overflow makes an infinite τ, and prints no warning
def _observe_and_conclude(asked: Asked, request: dict[str, Any], frameworks: bool, time_limit_s: float) -> Report:
    end = time.monotonic() + time_limit_s

    def again(way: int, which: str) -> dict[str, Any] | None:
        """The same observations, with a loss differentiated beside them; None where that fails or no time is left."""
        left_s = end - time.monotonic()
        if left_s <= 0:
            return None
        with TargetProcess(PROCESS, {**request, "differentiate": {"way": way, "of": which}}, left_s) as child:
            try:
                return next((m for m in child.messages() if "losses" in m), None)
            except Ended:
                return None

    with TargetProcess(PROCESS, request, time_limit_s) as child:
        report, candidate = conclude(asked, child.messages(), again)
    if frameworks and candidate is not None:
        from samegrad.impls.verifying import autodiff

        autodiff.compare(report, candidate, time_limit_s)
    return report


def split_target(target: str) -> tuple[Path, str]:
    """path/to/file.py:name → (path, name); the name may be empty. Raises BadInput."""
    path, colon, name = target.rpartition(":")
    if not colon or not name.replace(".", "").isidentifier() or name in ("py", "ipynb"):
        path, name = target.rstrip(":"), ""
    if not path.endswith((".py", ".ipynb")):
        raise BadInput(
            f"{target!r} is no target; give a Python file or a notebook and a name in it, as path/to/file.py:backward"
        )
    if not Path(path).is_file():
        raise BadInput(f"{path}: no such file (found from {Path.cwd()})")
    return Path(path), name
