"""Whatever fails in the check itself is no verdict on the target: exit status 2, and one line."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from samegrad.impls.verifying import render, verify
from samegrad.impls.verifying.report import RIGHT, UNKNOWN, WRONG, Report
from samegrad.impls.verifying.target import serve
from samegrad.impls.verifying.verify_command import verify_command

TEXT = "def gradients(x, y, W, b):\n    d = x @ W + b - y\n    return x.T @ d, d.sum(axis=0)\n"


def invoke(target):
    return CliRunner().invoke(verify_command, [target])


def fails(*arguments, **options):
    raise ZeroDivisionError("a fault of ours")


@pytest.mark.parametrize("where", ["in the parent", "beside the target"])
def test_an_exception_of_ours_is_exit_status_2_with_one_line(in_this_process, monkeypatch, program, where):
    if where == "in the parent":
        monkeypatch.setattr(verify, "conclude", fails)
    else:
        monkeypatch.setattr(serve, "own_data", fails)
    result = invoke(program(TEXT))
    assert result.exit_code == 2 and "Traceback" not in result.output
    assert "samegrad itself failed on it (ZeroDivisionError: a fault of ours" in " ".join(result.output.split())
    assert len(" ".join(result.output.split())) < 160


@pytest.mark.slow
@pytest.mark.parametrize("error", ["KeyboardInterrupt()", "MemoryError()", "SystemExit(0)", "BaseException('x')"])
def test_no_exception_of_the_target_looks_like_a_verdict(program, error):
    """Not even an exit with status 0, which says right where it is ours."""
    assert invoke(program(TEXT + f"raise {error}\n")).exit_code in (0, 2)  # 0: what is defined before it is checked
    late = TEXT.replace("    d = x", f"    raise {error}\n    d = x")
    result = invoke(program(late))
    assert result.exit_code == 2 and "impls" not in result.output


def test_exit_codes_are_those_of_the_verdicts():
    for verdict, code in ((RIGHT, 0), (WRONG, 1), (UNKNOWN, 2)):
        report = Report("t", verdict, "h")
        assert report.exit_code == code and f'"exit_code": {code}' in render.to_json(report)
