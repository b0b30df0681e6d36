"""What is found on a machine, from made-up /proc and /sys trees; what is not found is None."""

from __future__ import annotations

import json

import pytest

from samegrad.benchmarks.clock import environment as env


@pytest.fixture
def machine(tmp_path):
    """Returns a function that writes files below a made-up root and returns that root."""

    def write(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return write


def test_this_machine_gives_every_field_of_the_run_file_in_json():
    content = env.environment()
    assert json.loads(json.dumps(content)) == content
    assert list(content) == [
        "cpu", "cores", "affinity", "governor", "turbo", "load", "memory_bytes", "container", "variables",
        "python", "platform", "versions",
    ]  # fmt: skip
    assert content["cores"] >= 1 and content["memory_bytes"] > 0
    assert 0 not in [content[key] for key in content if key != "turbo"]


@pytest.mark.parametrize(
    ("cpuinfo", "name"),
    [
        (
            "processor\t: 0\nmodel\t\t: 17\nmodel name\t: AMD EPYC\n\nprocessor\t: 1\nmodel name\t: AMD EPYC\n",
            "AMD EPYC",
        ),
        ("processor\t: 0\nBogoMIPS\t: 108.00\n\nModel\t\t: Raspberry Pi 5 Model B\n", "Raspberry Pi 5 Model B"),
    ],
)
def test_the_cpu_is_named_by_cpuinfo(machine, cpuinfo, name):
    assert env.cpu_model(machine({"proc/cpuinfo": cpuinfo})) == name


def test_a_machine_that_shows_nothing_gives_none_everywhere(machine, monkeypatch):
    monkeypatch.setattr(env.platform, "processor", lambda: "")
    monkeypatch.setattr(env.platform, "system", lambda: "Plan 9")
    root = machine({})
    assert env.cpu_model(root) is None
    assert env.governor([0, 1], root) is None and env.governor(None, root) is None
    assert env.turbo(root) is None
    assert env.container(root) == {"cgroup": None, "cpus": None, "memory_bytes": None}


def test_governors_that_differ_are_all_named(machine):
    cpufreq = "sys/devices/system/cpu/cpu{}/cpufreq/scaling_governor"
    root = machine({cpufreq.format(0): "powersave\n", cpufreq.format(1): "performance\n"})
    assert env.governor([0, 1], root) == "performance, powersave"
    assert env.governor([1], root) == "performance"


@pytest.mark.parametrize(
    ("file", "text", "on"),
    [
        ("intel_pstate/no_turbo", "0\n", True),
        ("intel_pstate/no_turbo", "1\n", False),
        ("cpufreq/boost", "1\n", True),
        ("cpufreq/boost", "0\n", False),
    ],
)
def test_turbo_is_read_from_either_driver(machine, file, text, on):
    assert env.turbo(machine({f"sys/devices/system/cpu/{file}": text})) is on


def test_version_2_limits_are_the_tightest_of_the_group_and_its_ancestors(machine):
    root = machine(
        {
            "proc/self/cgroup": "0::/system.slice/job.scope\n",
            "sys/fs/cgroup/cgroup.controllers": "cpu memory\n",
            "sys/fs/cgroup/system.slice/cpu.max": "150000 100000\n",
            "sys/fs/cgroup/system.slice/job.scope/cpu.max": "max 100000\n",
            "sys/fs/cgroup/system.slice/memory.max": "8589934592\n",
            "sys/fs/cgroup/system.slice/job.scope/memory.max": "4294967296\n",
        }
    )
    assert env.container(root) == {"cgroup": 2, "cpus": 1.5, "memory_bytes": 4 << 30}


def test_a_container_whose_tree_begins_at_its_own_group_is_read_at_the_root(machine):
    root = machine(
        {
            "proc/self/cgroup": "0::/../../the/host/knows\n",
            "sys/fs/cgroup/cgroup.controllers": "cpu memory\n",
            "sys/fs/cgroup/cpu.max": "50000 100000\n",
            "sys/fs/cgroup/memory.max": "max\n",
        }
    )
    assert env.container(root) == {"cgroup": 2, "cpus": 0.5, "memory_bytes": None}


def test_version_1_limits_are_read_per_controller(machine):
    root = machine(
        {
            "proc/self/cgroup": "4:memory:/box\n1:cpu,cpuacct:/box\n0::/\n",
            "sys/fs/cgroup/cpu/box/cpu.cfs_quota_us": "200000\n",
            "sys/fs/cgroup/cpu/box/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/memory/box/memory.limit_in_bytes": "1073741824\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        }
    )
    assert env.container(root) == {"cgroup": 1, "cpus": 2.0, "memory_bytes": 1 << 30}


def test_version_1_without_limits_says_none_rather_than_a_huge_number(machine):
    root = machine(
        {
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        }
    )
    assert env.container(root) == {"cgroup": 1, "cpus": None, "memory_bytes": None}


def test_only_variables_that_matter_are_recorded():
    """A run file is shared: nothing of the environment leaves but what is known to change results or times."""
    environ = {
        "OMP_NUM_THREADS": "1",
        "XLA_FLAGS": "--x",
        "HOME": "/home/me",
        "TF_VAR_password": "s3cret",
        "API_TOKEN": "t",
    }
    assert env.variables(environ) == {"OMP_NUM_THREADS": "1", "XLA_FLAGS": "--x"}


def test_versions_come_from_metadata_and_none_says_not_installed():
    result = env.versions(["numpy", "no-such-distribution-anywhere"])
    assert result["numpy"] and result["no-such-distribution-anywhere"] is None
