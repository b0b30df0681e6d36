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
        raise BadInput(f"unknown device {name!r}; only gpu and cuda take a number, as in cuda:1")
    return kind, int(number or 0)


def is_on(actual: str, asked: str) -> bool:
    """True if `actual`, the device that `Implementation.device_of` reports, is the one that was asked for."""
    kind, number = split_device(asked)
    actual_kind, _, actual_number = actual.partition(":")
    if kind == "cpu":
        return actual == "cpu"
    is_kind = actual_kind.isalpha() if kind == "gpu" else actual_kind == {"cuda": "gpu"}.get(kind, kind)
    return is_kind and actual_number == str(number)


def joined(places: Iterable[str]) -> str:
    """The devices of several arrays: one name if it is the same for all, "cpu and gpu:0" if not."""
    return " and ".join(sorted(set(places)))


def without_tf32(device: str) -> str:
    """Why there is no case in TF32."""
    return f"{device!r} has no TF32: NVIDIA GPUs have it from compute capability 8.0 on; leave --tf32 out"
