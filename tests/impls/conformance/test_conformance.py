"""`samegrad conformance` finds what breaks the contract, and says how: each kind of fault is planted."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from threadpoolctl import threadpool_info, threadpool_limits

from samegrad.command_line import main
from samegrad.impls.conformance.clauses import CLAUSES, Fault, verdicts
from samegrad.impls.conformance.examination import examine
from samegrad.impls.conformance.explanations import of_repetitions
from samegrad.impls.documents.conformance import Conformance
from samegrad.impls.errors import Unavailable
from samegrad.impls.parameters import Layer
from tests.impls.conformance import breaking

ROOT = Path(__file__).parents[3]
PLANTED = "tests.impls.conformance.breaking"
TIMED = (256, 20_000)
"""Enough for a call of NumPy to take milliseconds."""


@pytest.fixture(autouse=True)
def _saved_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(Conformance, "FOLDER", tmp_path)


def conformance(*arguments):
    """Exit status, standard output without the line that says where the document is, standard error."""
    done = CliRunner().invoke(main, ["conformance", *arguments])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    shown, saved, _ = done.stdout.partition("Saved in ")
    assert bool(saved) == (done.exit_code != 2)
    return done.exit_code, shown, done.stderr


def broken(name, **options):
    """{clause: its sentences} of what one of the planted implementations breaks."""
    result = examine(f"{PLANTED}:{name}", timed=TIMED, **options)
    return {
        clause["clause"]: [fault["sentence"] for fault in clause["faults"]]
        for clause in result["clauses"]
        if clause["holds"] is False
    }


FAULTS = {
    "WrongSign": ("gradients", r"value_and_grad's b2\[0\] is -?[\d.]+, but should be .*derived rounding bound"),
    "NotANumber": ("gradients", r"forward's predictions\[0, 0\] is nan, but should be"),
    "Accumulating": ("state", r"gradients accumulate: each value_and_grad adds them to those of the call before"),
    "AccumulatingInSteps": ("state", r"the second train_step adds 1 times the first's gradient"),
    "WithMomentum": ("state", r"something accumulates: the second train_step adds 0\.9 times the first's gradient"),
    "Updating": ("state", r"value_and_grad moves the parameters: forward gives other predictions after it"),
    "Random": ("repeatable", r"value_and_grad gives other numbers when it is called again, up to \d.* apart"),
    "ThroughFloat32": ("dtype", r"value_and_grad is right only as float32 would be: "),
    "ReturningFloat64": ("dtype", r"forward's predictions has dtype float64, but should have float32"),
    "Transposed": ("layout", r"value_and_grad's W1 has shape \(4, 2\), but should have \(2, 4\)"),
    "Flat": ("layout", r"value_and_grad's "),
    "PlainPairs": ("layout", r"should be of type Layer, but are of type tuple"),
    "Views": ("kept", r"what to_numpy made of forward changed under the calls that followed: it should be a copy"),
    "Late": (
        "ready",
        r"forward returns before its result is there|of the work was still to be done when the call returned",
    ),
    "Lazy": ("ready", r"value_and_grad: \d+% of the work was still to be done when the call returned"),
    "Forgetting": ("training", r"the second step starts where the first one did|does not keep its update"),
    "HalfSteps": ("training", r"train_step's W1\[\d, \d\] is .* but should be"),
    "ShortLoop": ("training", r"train_loop ends \d.* away from as many calls of train_step"),
    "OneLargeStep": ("training", r"train_loop ends \d.* away from as many calls of train_step"),
    "FirstRate": ("training", r"train_step goes on with the learning rate of an earlier call"),
    "CapturedRows": ("arguments", r"value_and_grad goes on with the rows of prepare when feed has brought others"),
    "CapturedParameters": ("arguments", r"value_and_grad stays at the parameters of prepare when train_step has moved"),
    "CapturedInSteps": ("arguments", r"second train_step takes the gradient at the parameters of prepare: captured"),
    "Raising": ("operations", r"^value_and_grad raises ZeroDivisionError: in the middle of it$"),
    "RaisingInPrepare": ("operations", r"^prepare raises ValueError: too many values to unpack"),
    "WaitingForOne": ("operations", r"^wait for a list of results raises AttributeError: "),
    "Incomplete": ("operations", r"lacks forward, to_numpy, train_step, value_and_grad"),
}


def test_every_planted_fault_is_looked_for():
    classes = {
        name
        for name, actual in vars(breaking).items()
        if isinstance(actual, type) and actual.__module__ == breaking.__name__
    }
    assert classes - {"Faultless", "OnlyFloat32", "Dying", "WithoutFeed", "RandomForward", "OnAnotherDevice"} == set(
        FAULTS
    )


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_breaks_its_clause_and_no_other(name):
    clause, sentence = FAULTS[name]
    faults = broken(name)
    assert list(faults) == [clause], faults
    assert any(re.search(sentence, text) for text in faults[clause]), faults
    assert all("\n" not in text for text in faults[clause])


def test_the_pools_of_blas_have_one_thread_while_it_is_examined(monkeypatch):
    """On a busy machine a second one takes milliseconds to wake, which was taken for work that is done elsewhere."""
    counted, forward = set(), breaking.Faultless.forward

    def counting(self):
        counted.update(pool["num_threads"] for pool in threadpool_info())
        return forward(self)

    monkeypatch.setattr(breaking.Faultless, "forward", counting)
    with threadpool_limits(2):
        examine(f"{PLANTED}:Faultless", ["line"], ["float32"], timed=())
    assert counted == {1}


def test_rounding_that_happens_to_be_alike_is_no_accumulation():
    """Seen once: of three evaluations that are apart in their last digit the differences were the same."""
    evaluations = [(0.0, [Layer(np.full((1, 1), g), np.full(1, g))]) for g in (1.0, 1.0 + 2e-16, 1.0 + 4e-16)]
    assert [clause for clause, _ in of_repetitions(evaluations, None, None)] == ["repeatable"]
    growing = [(0.0, [Layer(np.full((1, 1), g), np.full(1, g))]) for g in (5.0, 6.0, 7.0)]
    assert [clause for clause, _ in of_repetitions(growing, None, None)] == ["state"]


def test_without_a_fault_nothing_is_broken():
    """And nothing that can be examined is left out: NumPy has no compiler."""
    assert broken("Faultless") == {}
    result = examine(f"{PLANTED}:Faultless", timed=TIMED)
    assert {clause["clause"] for clause in result["clauses"] if clause["holds"] is not True} <= {"compiled"}
    assert [clause["clause"] for clause in result["clauses"]] == list(CLAUSES)


def test_what_is_refused_with_a_reason_is_left_out_and_breaks_nothing():
    result = examine(f"{PLANTED}:OnlyFloat32", timed=TIMED)
    assert all(clause["holds"] is not False for clause in result["clauses"])
    assert list(result["left_out"]) == ["xor float64, 7 rows", "line float64, 7 rows"]
    with pytest.raises(Unavailable, match="computes in float32 only"):
        examine(f"{PLANTED}:OnlyFloat32", dtypes=["float64"])
    result = examine(f"{PLANTED}:WithoutFeed", timed=TIMED)
    assert all(clause["holds"] is not False for clause in result["clauses"])
    assert list(result["left_out"]) == ["feed"]


def test_predictions_at_random_are_wrong_and_not_repeatable_and_blame_no_state():
    faults = broken("RandomForward")
    assert list(faults) == ["gradients", "repeatable"]
    assert "forward gives other numbers when it is called again" in faults["repeatable"][0]


def test_a_result_that_lies_elsewhere_is_reported_by_where_it_lies():
    assert broken("OnAnotherDevice") == {}
    faults = broken("OnAnotherDevice", device="cuda:1")
    assert list(faults) == ["device"]
    assert faults["device"][0] == "forward's result is on cpu, by device_of, but was asked for on cuda:1"
    with pytest.raises(Unavailable, match="CPU only"):
        examine(f"{PLANTED}:Faultless", device="gpu")


class TestCommand:
    def test_one_that_keeps_the_contract(self):
        code, output, _ = conformance("numpy")
        assert code == 0
        assert [line.split()[0] for line in output.splitlines()] == [*CLAUSES, "numpy"]
        assert output.endswith("numpy keeps the contract.\n") and "BROKEN" not in output

    def test_one_that_does_not(self, monkeypatch):
        """A module of the current folder; each sentence once, with the cases that it is true of."""
        monkeypatch.chdir(ROOT)
        code, output, _ = conformance(f"{PLANTED}:Raising")
        assert code == 1
        [line] = [line for line in output.splitlines() if "BROKEN" in line]
        assert line.startswith("operations")
        [fault] = [line for line in output.splitlines() if "value_and_grad raises" in line]
        assert fault == "    value_and_grad raises ZeroDivisionError: in the middle of it (xor float32, 7 rows; 3 more)"
        assert output.endswith(f"{PLANTED}:Raising breaks the contract: operations.\n")

    def test_a_process_that_dies_is_reported_in_a_line(self):
        code, output, _ = conformance(f"{PLANTED}:Dying")
        assert code == 1
        reason = "died during 'examine' (exit status 7): in forward, at xor float32, 7 rows"
        assert output == f"the process that ran {PLANTED}:Dying {reason}\n"

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ("nunpy", "unknown implementation 'nunpy'"),
            ("torch-cuda-graph", "torch"),
            ("numpy --device tpu", "unknown device 'tpu'"),
            ("numpy --device gpu", "numpy computes on the CPU only"),
            ("no_such_module:Mine", "no_such_module:Mine: importing no_such_module failed"),
        ],
    )
    def test_what_cannot_be_run_is_reported_in_a_line(self, arguments, message):
        """Unknown, refused by the machine, not there."""
        code, output, complaint = conformance(*arguments.split())
        assert (code, output) == (2, "")
        assert message in complaint.splitlines()[-1] and complaint.splitlines()[-1].startswith("samegrad: ")

    def test_json_has_every_clause(self):
        done = subprocess.run(
            [sys.executable, "-m", "samegrad", "conformance", f"{PLANTED}:WrongSign", "--json"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        document = json.loads(done.stdout)
        assert document["conforms"] is False and document["implementation"] == f"{PLANTED}:WrongSign"
        assert [clause["clause"] for clause in document["clauses"]] == list(CLAUSES)
        broken = {clause["clause"] for clause in document["clauses"] if clause["holds"] is False}
        assert {"gradients"} <= broken <= {"gradients", "rows"}


def test_where_numbers_are_wrong_times_show_no_other_clause():
    """Other processes disturb times; of a clause that numbers break, every case is listed."""
    by_time = [Fault("ready", "large", "late", True), Fault("anew", "large", "quick", True)]
    by_number = [Fault("gradients", "small", "wrong"), Fault("ready", "small", "changed")]

    def cases(faults):
        return {
            entry["clause"]: [f["case"] for f in entry["faults"]] for entry in verdicts([], faults) if entry["faults"]
        }

    assert cases(by_time) == {"ready": ["large"], "anew": ["large"]}
    assert cases([*by_time, by_number[0]]) == {"gradients": ["small"]}
    assert cases([*by_time, *by_number]) == {"gradients": ["small"], "ready": ["large", "small"]}
