"""A machine is known by names and counts: what changes from day to day does not change its kind."""

from __future__ import annotations

import json

import pytest

from samegrad.benchmarks.clock import identity as module
from samegrad.benchmarks.clock.identity import host, hypervisor, identity
from samegrad.benchmarks.documents.environment import MachineIdentity
from samegrad.impls.documents.base import fitted

CPUINFO = """processor\t: 0
model name\t: AMD EPYC
microcode\t: 0x1000065
cpu MHz\t\t: {mhz}
bogomips\t: {mhz}
flags\t\t: fpu{flags}

processor\t: 1
model name\t: another
"""


def machine(folder, mhz="2596.130", flags=" hypervisor", **files):
    for name, text in {"proc/cpuinfo": CPUINFO.format(mhz=mhz, flags=flags), **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_this_machine_has_a_whole_identity_and_no_name_of_its_own():
    content = identity()
    assert json.loads(json.dumps(content)) == content and fitted(content, MachineIdentity).kind
    assert module.platform.node() not in json.dumps(content)


def test_a_reading_does_not_make_another_machine(tmp_path):
    """A benchmark suite that hashed MHz saw a new machine in one of four CPUs."""
    first = identity(machine(tmp_path / "first", mhz="2596.130"))
    assert first == identity(machine(tmp_path / "second", mhz="3104.918"))
    assert first["microcode"] == "0x1000065" and first["cpu"] == "another"


def test_another_microcode_kernel_or_memory_is_another_kind(tmp_path, monkeypatch):
    kind = fitted(identity(machine(tmp_path)), MachineIdentity).kind
    monkeypatch.setattr(module.platform, "release", lambda: "9.9.9-other")
    assert fitted(identity(machine(tmp_path)), MachineIdentity).kind != kind


def test_two_hosts_of_one_kind_differ_in_the_hash_alone(tmp_path, monkeypatch):
    first = identity(machine(tmp_path / "first", **{"etc/machine-id": "1\n"}))
    second = identity(machine(tmp_path / "second", **{"etc/machine-id": "2\n"}))
    assert first["host"] != second["host"]
    assert fitted(first, MachineIdentity).kind == fitted(second, MachineIdentity).kind
    assert host("a", "1") != host("b", "1")


@pytest.mark.parametrize(
    ("flags", "files", "name"),
    [
        ("", {}, "none"),
        (" hypervisor", {}, "unnamed"),
        (" hypervisor", {"sys/class/dmi/id/sys_vendor": "QEMU\n", "sys/class/dmi/id/product_name": "PC\n"}, "QEMU PC"),
        (" hypervisor", {"sys/hypervisor/type": "xen\n"}, "xen"),
    ],
)
def test_the_hypervisor_is_named_where_it_shows(tmp_path, flags, files, name):
    assert hypervisor(machine(tmp_path, flags=flags, **files)) == name


def test_a_machine_without_cpuinfo_shows_no_hypervisor(tmp_path):
    assert hypervisor(tmp_path) is None
