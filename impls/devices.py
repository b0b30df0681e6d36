"""Devices by name: `cpu`; `gpu`, a framework's first accelerator; `cuda`, `cuda:1`, `mps`, if it must be that one."""

from __future__ import annotations

from collections.abc import Iterable

from samegrad.impls.errors import BadInput, choose

DEVICES = ("cpu", "gpu", "cuda", "mps")


def split_device(name: str) -> tuple[str, int]:
    """A device's kind and number: ("cuda", 1), or ("cuda", 0) where no number is given. Raises BadInput."""
    kind, colon, number = name.partition(":")
    choose("device", kind, DEVICES)
    if colon and (kind not in ("gpu", "cuda") or not number.isdecimal()):
        raise BadInput(f"unknown device {name!r}; a number stands after gpu or cuda only, as in cuda:1")
    return kind, int(number or 0)


def is_on(found: str, asked: str) -> bool:
    """Whether what lies on `found`, told by `Implementation.device_of`, lies where it was asked to."""
    kind, number = split_device(asked)
    found_kind, _, found_number = found.partition(":")
    if kind == "cpu":
        return found == "cpu"
    is_kind = found_kind.isalpha() if kind == "gpu" else found_kind == {"cuda": "gpu"}.get(kind, kind)
    return is_kind and found_number == str(number)


def joined(places: Iterable[str]) -> str:
    """Where several arrays lie: one place if they lie together, "cpu and gpu:0" if not."""
    return " and ".join(sorted(set(places)))


def without_tf32(device: str) -> str:
    """Why there is no case in TF32."""
    return f"{device!r} has no TF32: NVIDIA GPUs have it from compute capability 8.0 on; leave --tf32 out"
