"""No time is recorded for a result that is wrong, and the message says which number is, and by how much."""

from __future__ import annotations

import re

import pytest

from samegrad.benchmarks.clock.case import Case
from samegrad.impls.checking.oracle import evaluate
from samegrad.impls.child import Failed
from samegrad.impls.parameters import rounded, tensors
from samegrad.impls.problem import XOR
from tests.benchmarks.planted import FAULTS, TARGET

FOUR = ("numpy", "keras-xla", "torch-eager", "jax-jit")
SEED = 42
NUMBER = r"(-?[\d.]+(?:e[-+]?\d+)?)"
MESSAGE = re.compile(
    rf"(?P<implementation>\S+) disagrees at (?P<case>.*): (?P<tensor>\w+)\[(?P<index>[\d, ]*)\] "
    rf"is {NUMBER}, but should be {NUMBER} \(tolerance {NUMBER}, derived rounding bound; τ = {NUMBER}\)(?P<others>.*)"
)


def case(pass_name="value_and_grad", batch=4, dtype="float32"):
    return Case("xor", pass_name, batch, dtype, "cpu")


def prepare(worker, name, the_case, target=None, key=None, seed=SEED, parameters=None):
    """Have the worker take a target and prepare it under a key (the name); its answer, or Failed."""
    worker.ask("start", target=target or f"{TARGET}:{name} right", threads=1)
    task = the_case.task(seed, parameters).as_json()
    return worker.ask("prepare", key=key or name, pass_name=the_case.pass_name, task=task)


@pytest.fixture
def worker(workers, request):
    """The shared worker of the framework that the test is about; the faultless class's threads are set already."""
    return workers(request.getfixturevalue("name")).process


def expected_gradients(batch, dtype):
    """The oracle's, at the numbers as they are in that dtype."""
    parameters = rounded(rounded(XOR.parameters(SEED), dtype), "float64")
    x, y = (rows.astype(dtype).astype("float64") for rows in XOR.data(batch, SEED))
    return tensors(evaluate(XOR, parameters, x, y).gradients)


@pytest.mark.parametrize("name", FOUR)
class TestPlantedFaults:
    """Each in the result that the framework itself returned, before any conversion."""

    @pytest.mark.slow
    @pytest.mark.parametrize("fault", FAULTS)
    def test_a_wrong_gradient_is_found_and_named_and_never_timed(self, worker, name, fault):
        """Implementation, case, tensor, index, found, expected and tolerance; asking for its time then fails."""
        place, _ = FAULTS[fault]
        with pytest.raises(Failed) as failed:
            prepare(worker, name, case(), f"{TARGET}:{name} {fault}", key=name)
        assert failed.value.kind == "disagreement"
        assert not failed.value.is_gone

        message = MESSAGE.fullmatch(failed.value.reason)
        assert message, failed.value.reason
        assert message["implementation"] == name
        assert message["case"] == case().group
        assert message["tensor"] == place
        assert message["others"] == "", "one tensor is wrong, and only one may be named"
        index = tuple(map(int, message["index"].split(", ")))
        actual, expected, tolerance, tau = map(float, message.groups()[4:8])
        truth = expected_gradients(4, "float32")[place]
        assert expected == pytest.approx(truth[index], rel=1e-8)  # nine digits are printed
        assert abs(actual - expected) > tolerance > 0
        assert tau == pytest.approx(abs(actual - expected) / tolerance, rel=0.06)  # two digits are printed
        if fault != "transposed":
            factor = {"sign": -1, "factor 2": 2, "missing bias": 0}[fault]
            # the framework's own gradient differs from the truth by no more than the tolerance
            assert abs(actual - factor * truth[index]) <= max(1, abs(factor)) * tolerance + 1e-8 * abs(actual)

        with pytest.raises(Failed, match="KeyError"):
            worker.ask("time", key=name, prefix=1, calls=1)

    @pytest.mark.slow
    @pytest.mark.parametrize("pass_name", ["forward", "train_step"])
    def test_a_pass_that_alone_is_wrong_is_found_at_that_pass_alone(self, worker, name, pass_name):
        """The gate checks the very callable that would be timed, not a sibling of it."""
        target = f"{TARGET}:{name} factor 2 in {pass_name}"
        assert prepare(worker, name, case(), target)["agreement"].keys() == {"loss", "W1", "b1", "W2", "b2"}
        worker.ask("forget")
        with pytest.raises(Failed) as failed:
            prepare(worker, name, case(pass_name), target)
        tensor = "predictions" if pass_name == "forward" else "b1"
        assert f"{name} disagrees at {case(pass_name).group}: {tensor}[" in failed.value.reason
        with pytest.raises(Failed, match="KeyError"):
            worker.ask("time", key=name, prefix=1, calls=1)

    @pytest.mark.slow
    def test_the_right_one_passes_and_is_timed(self, worker, name):
        """In every pass, with τ of every tensor reported; so the failures above are the faults' and not the gate's."""
        for pass_name in ("forward", "value_and_grad", "train_step"):
            prepared = prepare(worker, name, case(pass_name))
            assert {"prepare_ns", "first_call_ns", "gate_ns", "rows_are_fixed", "agreement"} <= set(prepared)
            assert all(0 <= tau <= 1 for tau in prepared["agreement"].values())
            assert worker.ask("time", key=name, prefix=1, calls=3)["ns"] > 0
            worker.ask("forget")
            with pytest.raises(Failed, match="KeyError"):
                worker.ask("time", key=name, prefix=1, calls=1)


@pytest.mark.parametrize("name", ["numpy"])
class TestTheReference:
    """What a result is compared with is made for its own case, whatever was prepared before."""

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_another_case_has_another_reference(self, worker, name, dtype):
        for batch in (4, 9, 4):
            prepare(worker, name, case(batch=batch, dtype=dtype))

    def test_another_seed_and_other_parameters_have_another_reference(self, worker, name):
        prepare(worker, name, case())
        prepare(worker, name, case(), parameters=XOR.parameters(3))
        prepare(worker, name, case(), seed=7)
        prepare(worker, name, case())

    def test_given_parameters_are_those_that_are_run(self, worker, name):
        """A planted fault under parameters of one's own is reported with their gradient."""
        mine = XOR.parameters(3)
        with pytest.raises(Failed) as failed:
            prepare(worker, name, case(dtype="float64"), f"{TARGET}:{name} missing bias", parameters=mine)
        message = MESSAGE.fullmatch(failed.value.reason)
        truth = tensors(evaluate(XOR, mine, *XOR.data(4, SEED)).gradients)["b2"]
        assert message and float(message[6]) == pytest.approx(truth[0], rel=1e-8)

    def test_what_passed_before_is_not_timed_in_the_place_of_what_fails_now(self, worker, name):
        prepare(worker, name, case())
        with pytest.raises(Failed, match="disagrees"):
            prepare(worker, name, case(), f"{TARGET}:{name} sign")
        with pytest.raises(Failed, match="KeyError"):
            worker.ask("time", key=name, prefix=1, calls=1)
