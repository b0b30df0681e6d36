"""Every option is checked before anything runs, and a mistake in it is reported in one line."""

from __future__ import annotations

import numpy as np
import pytest

from samegrad.benchmarks.clock.case import Case
from samegrad.benchmarks.clock.record import BLOCK_SHARE
from samegrad.benchmarks.options import BATCHES, SWEEP, add_options, read_options
from samegrad.benchmarks.stock_options import HONOURED, REFUSED
from samegrad.impls import parameters
from samegrad.impls.errors import BadInput
from samegrad.impls.implementation import PASSES
from samegrad.impls.problem import LINE, PROBLEMS, XOR
from samegrad.impls.registry import DEFAULT, OF_NETWORKS


class Config:
    """The running pytest's own configuration, with other words typed on its command line."""

    def __init__(self, config, addopts=(), **typed):
        self.config, self.addopts, self.typed = config, list(addopts), typed
        self.invocation_params = self

    @property
    def args(self):
        return [f"--{name.replace('_', '-')}={value}" for name, value in self.typed.items()]

    def getoption(self, name):
        return self.typed.get(name, DEFAULTS[name] if name in DEFAULTS else self.config.getoption(name))

    def getini(self, name):
        return self.addopts


class Declared(dict):
    """The options that add_options declares, with their defaults, whatever this very run was started with."""

    def getgroup(self, *_):
        return self

    def addoption(self, name, default=None, **_):
        self[name.removeprefix("--").replace("-", "_")] = default


DEFAULTS = Declared()
add_options(DEFAULTS)


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch):
    """No options, and four CPUs whatever this machine has."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.setattr("samegrad.benchmarks.options.cpus.usable", lambda: [0, 1, 2, 3])


@pytest.fixture
def read(pytestconfig):
    """typed options → what was read."""
    return lambda **typed: read_options(Config(pytestconfig, **typed))


@pytest.fixture
def refusal(read):
    """typed options → the one line that refuses them."""

    def refuse(**typed):
        with pytest.raises(BadInput) as refused:
            read(**typed)
        assert "\n" not in str(refused.value)
        return str(refused.value)

    return refuse


def test_the_default_is_the_whole_matrix(read):
    """All default implementations, problems and passes at 4, 256 and 16384 rows in float32 on the CPU."""
    options = read()
    assert options.implementations == tuple(name for name in options.implementations if name in DEFAULT)
    assert set(options.implementations) == set(DEFAULT)
    assert BATCHES == (4, 256, 16384)
    assert set(options.cases) == {
        Case(problem, pass_name, batch, "float32", "cpu")
        for problem in PROBLEMS
        for pass_name in PASSES
        for batch in BATCHES
    }
    assert len(options.cases) == len(set(options.cases))
    assert options.request({}).margin == 0.05
    request = options.request({options.cases[0]: ("numpy",)})
    assert (request.launches, request.threads, request.seed, request.baseline) == (3, 1, 42, None)
    assert request.budget_s <= 180  # a default run takes at most 3 minutes
    assert request.parameters is None


def test_every_option_acts(read, tmp_path):
    parameters.save(tmp_path / "w.npz", LINE.parameters(5))
    options = read(
        implementations="numpy*, jax-jit",
        problems="line",
        passes="train_step,forward",
        batches="7, 7,1000",
        dtypes="float64,float32",
        device="gpu",
        threads="2",
        seed="3",
        launches="5",
        baseline="numpy",
        margin="2.5%",
        budget="12.5",
        time_limit="9",
        parameters=str(tmp_path / "w.npz"),
    )
    assert {"numpy", "numpy-tutorial", "jax-jit"} <= set(options.implementations)
    assert {(case.problem, case.device) for case in options.cases} == {("line", "gpu")}
    assert {(case.pass_name, case.batch, case.dtype) for case in options.cases} == {
        (pass_name, batch, dtype)
        for pass_name in ("train_step", "forward")
        for batch in (7, 1000)
        for dtype in ("float64", "float32")
    }
    assert len(options.cases) == 8
    assert options.request({}).margin == 0.025
    request = options.request({})
    assert (request.threads, request.seed, request.launches, request.baseline) == (2, 3, 5, "numpy")
    assert (request.budget_s, request.time_limit_s) == (12.5, 9.0)
    [[W, b]] = request.parameters
    assert np.array_equal(W, LINE.parameters(5)[0].W) and np.array_equal(b, LINE.parameters(5)[0].b)


def test_all_means_every_implementation_and_sweep_many_batches(read):
    options = read(implementations="all", batches="sweep", passes="forward", problems="xor")
    assert set(DEFAULT) <= set(options.implementations)
    assert tuple(case.batch for case in options.cases) == SWEEP


@pytest.mark.parametrize(
    ("typed", "devices", "by_name"),
    [
        ({}, ["cpu"], ()),
        ({"device": "all"}, ["cpu", "gpu"], ()),
        ({"device": "cpu, cuda:1"}, ["cpu", "cuda:1"], ("cuda:1",)),
        ({"device": "all,gpu"}, ["cpu", "gpu"], ("gpu",)),
        ({"device": "mps"}, ["mps"], ("mps",)),
    ],
)
def test_each_device_has_cases_of_its_own(read, typed, devices, by_name):
    """Devices of `all` that are missing are no error."""
    options = read(**typed)
    assert list(dict.fromkeys(case.device for case in options.cases)) == devices
    assert len(options.cases) == len(set(options.cases)) == len(devices) * len(read().cases)
    assert options.devices == by_name


def test_tf32_is_a_dtype_beside_the_others(read):
    dtypes = [case.dtype for case in read(tf32=True, dtypes="float64", passes="forward", batches="4").cases]
    assert dtypes == ["float64", "tf32"] * len(PROBLEMS)
    assert {case.dtype for case in read(tf32=True, dtypes="tf32").cases} == {"tf32"}  # as --resume tells it


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"implementations": "nunpy"}, "unknown implementation 'nunpy'; allowed: "),
        ({"implementations": "mxnet-*"}, "no implementation matches 'mxnet-*'"),
        ({"implementations": " , "}, "--implementations is empty; give one name or several, separated by commas"),
        ({"problems": "xo"}, "unknown problem 'xo'; allowed: xor, line. Did you mean 'xor'?"),
        ({"problems": "xor,8"}, "problem '8': it has 0 layers of weights; a network is named by its units"),
        ({"problems": "8-0-1"}, "problem '8-0-1': '0' is not a number of units; a network is named by its units"),
        ({"problems": "8-64:foo"}, "unknown activation in the problem '8-64:foo': 'foo'; allowed: sigmoid"),
        ({"problems": "8-10^9-1"}, "'10^9' is not a number of units; a network is named by its units"),
        ({"threads": "1,x"}, "--threads takes a whole number of at least 1 and at most 1024, found 'x'"),
        ({"threads": "1,1024"}, "--threads 1024: this process may use "),
        ({"networks": "0"}, "--networks takes a whole number of at least 1 and at most 131072, found '0'"),
        ({"networks": "1,1e9"}, "--networks takes a whole number of at least 1 and at most 131072, found '1e9'"),
        ({"networks": "200000"}, "--networks takes a whole number of at least 1 and at most 131072, found '200000'"),
        ({"networks": "x"}, "--networks takes a whole number of at least 1 and at most 131072, found 'x'"),
        ({"networks": ","}, "--networks is empty"),
        (
            {"networks": "32768", "problems": "2-256-1"},
            "--networks 32768: of 2-256-1 they have 33,587,200 parameters, and 4,194,304 in all are allowed",
        ),
        ({"networks": "2", "parameters": "x.npz"}, "--parameters gives those of one network; those of several are"),
        ({"problems": ""}, "--problems is empty"),
        ({"passes": "backward"}, "unknown pass 'backward'; allowed: forward, value_and_grad, train_step"),
        ({"passes": ","}, "--passes is empty"),
        ({"dtypes": "float16"}, "unknown dtype 'float16'; allowed: float32, float64"),
        ({"device": "tpu"}, "unknown device 'tpu'; allowed: cpu, gpu, cuda, mps."),
        ({"device": "cpu,cuda:x"}, "unknown device 'cuda:x'; only gpu and cuda take a number, as in cuda:1"),
        ({"device": ""}, "--device is empty"),
        ({"batches": "0"}, "--batches takes a whole number of at least 1, found '0'"),
        ({"batches": "-4"}, "--batches takes a whole number of at least 1, found '-4'"),
        ({"batches": "2.5"}, "--batches takes a whole number of at least 1, found '2.5'"),
        ({"batches": "4,many"}, "--batches takes a whole number of at least 1, found 'many'"),
        ({"batches": ""}, "--batches is empty"),
        ({"launches": "0"}, "--launches takes a whole number of at least 1 and at most 100, found '0'"),
        ({"launches": "three"}, "--launches takes a whole number of at least 1 and at most 100, found 'three'"),
        ({"threads": "-1"}, "--threads takes a whole number of at least 1 and at most 1024, found '-1'"),
        ({"threads": ""}, "--threads takes a whole number of at least 1 and at most 1024, found ''"),
        ({"seed": "-1"}, "--seed takes a whole number of at least 0 and at most 4294967295, found '-1'"),
        ({"seed": "4294967296"}, "--seed takes a whole number of at least 0 and at most 4294967295"),
        ({"seed": "1e3"}, "--seed takes a whole number of at least 0"),
        ({"baseline": "nunpy"}, "unknown baseline (it must be among the implementations) 'nunpy'; allowed: "),
        ({"baseline": "jax-jit", "implementations": "numpy"}, "'jax-jit'; allowed: numpy."),
        ({"margin": "0"}, "--margin takes a percentage between 0 and 100, such as 5%, found '0'"),
        ({"margin": "100%"}, "--margin takes a percentage between 0 and 100"),
        ({"margin": "five"}, "--margin takes a percentage between 0 and 100, such as 5%, found 'five'"),
        ({"margin": "nan"}, "--margin takes a percentage between 0 and 100, such as 5%, found 'nan'"),
        ({"budget": "0"}, "--budget takes a positive number of seconds, at most 604800, found '0'"),
        ({"budget": "inf"}, "--budget takes a positive number of seconds, at most 604800, found 'inf'"),
        ({"budget": "nan"}, "--budget takes a positive number of seconds, at most 604800, found 'nan'"),
        ({"budget": "1 min"}, "--budget takes a positive number of seconds, at most 604800, found '1 min'"),
        ({"time_limit": "-5"}, "--time-limit takes a positive number of seconds, at most 604800, found '-5'"),
        ({"parameters": "w.npz"}, "--parameters fits one network: choose one problem by --problems (found xor, line)"),
        ({"parameters": "no.npz", "problems": "xor"}, "no.npz: no such parameters file"),
    ],
    ids=lambda value: " ".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else "",
)
def test_a_bad_value_is_refused_with_what_was_found_and_what_is_allowed(refusal, typed, message):
    assert message in refusal(**typed)


def test_parameters_of_another_network_are_refused(refusal, tmp_path):
    parameters.save(tmp_path / "xor.npz", XOR.parameters())
    assert "but a 1-1 network needs W1, b1" in refusal(parameters=str(tmp_path / "xor.npz"), problems="line")


class TestStockOptions:
    """pytest-benchmark's own: honoured where they have a meaning here, refused where they have none."""

    @pytest.mark.parametrize("name", REFUSED)
    def test_one_without_a_meaning_is_refused_with_the_reason(self, refusal, name):
        assert refusal(**{name: "1"}) == f"--{name.replace('_', '-')} has no meaning here: {REFUSED[name]}"

    @pytest.mark.parametrize("name", REFUSED)
    def test_it_is_found_in_the_variable_and_the_configuration_as_well(self, pytestconfig, monkeypatch, name):
        option = f"--{name.replace('_', '-')}"
        with pytest.raises(BadInput, match="has no meaning here"):
            read_options(Config(pytestconfig, addopts=["-q", f"{option}=1"]))
        monkeypatch.setenv("PYTEST_ADDOPTS", f"-q {option} 1")
        with pytest.raises(BadInput, match="has no meaning here"):
            read_options(Config(pytestconfig))

    def test_what_begins_alike_is_another_option(self, pytestconfig):
        read_options(Config(pytestconfig, addopts=["--benchmark-timer-of-mine", "--benchmark-disable-gc"]))

    def test_every_measuring_option_of_the_installed_version_is_known_here(self, pytestconfig):
        """A new one must be honoured or refused; the rest say what is selected, kept, compared and shown."""
        measuring = {name for name in vars(pytestconfig.option) if name.startswith("benchmark_")}
        shown = {"only", "skip", "disable", "enable", "disable_gc", "save", "autosave", "save_data", "json", "compare"}
        shown |= {"compare_fail", "storage", "netrc", "verbose", "quiet", "sort", "group_by", "columns", "name"}
        shown |= {"time_unit", "histogram", "cprofile_loops", "cprofile_top", "cprofile_dump"}
        assert measuring - {f"benchmark_{name}" for name in shown} <= set(HONOURED) | set(REFUSED)

    def test_least_rounds(self, read):
        assert read().request({}).least_rounds == 10
        assert read(benchmark_min_rounds=25).request({}).least_rounds == 25

    def test_length_of_a_block(self, read):
        assert read().request({}).block_ns == 3_000_000
        assert read(benchmark_min_time="0.0005").request({}).block_ns == 500_000

    def test_seconds_for_each_test_that_was_selected(self, read):
        """Not for those that -k has left out."""
        options = read(benchmark_max_time="0.5")
        one, two = options.cases[:2]
        request = options.request({one: ("numpy", "jax-jit"), two: ("numpy",)})
        assert BLOCK_SHARE * request.budget_s == pytest.approx(0.5 * 3)
        assert options.request({one: ("numpy",)}).group_budget_s == pytest.approx(0.5 / 3)  # launches

    @pytest.mark.parametrize("name", ["benchmark_min_time", "benchmark_max_time"])
    @pytest.mark.parametrize("value", ["0", "-1", "nan"])
    def test_times_must_be_positive(self, refusal, name, value):
        output = f"--{name.replace('_', '-')} takes a positive number of seconds, at most "
        assert refusal(**{name: value}).startswith(output)


def test_networks_are_named_by_their_layers_and_each_is_measured_once(read):
    options = read(problems="8-64-2, xor,8-64-2:sigmoid", passes="forward", batches="4")
    assert [case.problem for case in options.cases] == ["8-64-2", "xor"]


def test_every_number_of_threads_has_cases_of_its_own_side_by_side(read):
    options = read(threads="4,1,2,2", problems="xor", passes="forward", batches="4,256")
    assert [(case.batch, case.threads) for case in options.cases] == [
        (4, 1),
        (4, 2),
        (4, 4),
        (256, 1),
        (256, 2),
        (256, 4),
    ]
    assert options.request({}).threads == 4


def test_every_number_of_networks_has_cases_of_its_own_by_those_that_can(read):
    options = read(networks="1,32", problems="xor", passes="forward", batches="4")
    assert [case.group for case in options.cases] == [
        "xor forward batch=4 float32 cpu",
        "xor forward batch=4 float32 cpu networks=32",
    ]
    assert set(options.implementations) == set(OF_NETWORKS)
    assert [case.task(42).networks for case in options.cases] == [None, 32]
    assert read(networks="32", implementations="numpy").implementations == ("numpy",)
    assert set(read().implementations) == set(DEFAULT)
