"""Sharpness: which planted mistakes does each gradient checker miss, and which right code does it call wrong?

    python -m samegrad.benchmarks.sharpness [--networks 60] [--out reports/sample/sharpness.json]

All checkers judge the same gradients of the same 2-4-1 networks on the truth table.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import platform
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from samegrad.benchmarks.sharpness import cross_entropy
from samegrad.benchmarks.sharpness.checkers import checkers, ours
from samegrad.benchmarks.sharpness.planted import (
    LOGIC,
    as_dtype,
    backward,
    downcasts,
    naive_slope,
    network,
    planted,
    stable_slope,
    wrong_gradient,
)
from samegrad.impls.files import write_whole

NETWORKS = 60
SCALES = (1.0, 10.0)
RIGHT_SCALES = (1.0, 10.0, 100.0)
OUT = Path("reports/sample/sharpness.json")


def measure(networks: int = NETWORKS, progress: Callable[[str], None] = lambda text: None) -> dict[str, Any]:
    """Plant everything on every network and count what each checker accepts."""
    by_name = checkers()
    mistakes = planted()
    missed: dict[str, dict[str, dict[str, int]]] = {}
    for scale in SCALES:
        missed[f"{scale:g}"] = {name: dict.fromkeys(LOGIC, 0) for name in by_name}
        for seed in range(networks):
            for mistake in mistakes:
                gradients = wrong_gradient(mistake, network(seed, scale))
                for name, check in by_name.items():
                    missed[f"{scale:g}"][name][mistake.name] += int(check(seed, scale, gradients))
        progress(f"planted {len(mistakes)} mistakes on {networks} networks at scale {scale:g}")

    downcast = dict.fromkeys(by_name, 0)
    for seed in range(networks):
        for gradients in downcasts(network(seed, 1.0)).values():
            for name, check in by_name.items():
                downcast[name] += int(check(seed, 1.0, gradients))
    progress("planted the downcasts")

    alarms = {name: {f"{scale:g}": 0 for scale in SCALES} for name in by_name if name != "ours"}
    for name, by_scale in alarms.items():
        for scale in SCALES:
            for seed in range(networks):
                right = backward(network(seed, scale), naive_slope, "float64")
                by_scale[f"{scale:g}"] += not by_name[name](seed, scale, right)
    progress("checked right code")
    return {
        "format": "samegrad-sharpness",
        "format_version": 1,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "versions": _versions(("numpy", *(name for name in by_name if name not in ("ours", "allclose")))),
        "networks": networks,
        "mistakes": list(LOGIC),
        "planted_per_scale": networks * len(LOGIC),
        "missed": {scale: {n: sum(by.values()) for n, by in of.items()} for scale, of in missed.items()},
        "missed_by_mistake": {
            scale: {n: {m: k for m, k in by.items() if k} for n, by in of.items()} for scale, of in missed.items()
        },
        "downcasts_planted": 3 * networks,
        "downcasts_missed": downcast,
        "right_code_per_scale": networks,
        "false_alarms": alarms,
        "ours_right_code": right_code_of_ours(networks),
        "cross_entropy": cross_entropy.measure(networks),
    }


def right_code_of_ours(networks: int) -> dict[str, Any]:
    """Right code, naive and stable, in both dtypes, at all scales: how often ours calls it wrong."""
    wrong = cases = 0
    for seed in range(networks):
        for scale in RIGHT_SCALES:
            for sigmoid in (naive_slope, stable_slope):
                for dtype in ("float32", "float64"):
                    parameters = as_dtype(as_dtype(network(seed, scale), dtype), "float64")
                    gradients = backward(parameters, sigmoid, dtype)
                    wrong += not ours(seed, scale, gradients, dtype)
                    cases += 1
    return {"cases": cases, "false_alarms": wrong}


def _versions(packages: Iterable[str]) -> dict[str, str]:
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in packages}}


def table(result: dict[str, Any]) -> str:
    """The result for a terminal."""
    names = list(result["downcasts_missed"])
    ours_right = result["ours_right_code"]
    lines = [
        f"{result['planted_per_scale']} planted mistakes at each scale ({len(result['mistakes'])} on "
        f"{result['networks']} networks), {result['downcasts_planted']} downcasts:",
        "",
        f"{'checker':<10}{'missed, scale 1':>17}{'scale 10':>10}{'downcasts missed':>18}{'false alarms, 1 and 10':>24}",
    ]
    for name in names:
        alarms = result["false_alarms"].get(name)
        shown = " and ".join(str(alarms[f"{s:g}"]) for s in SCALES) if alarms else f"{ours_right['false_alarms']}*"
        missed = [result["missed"][f"{scale:g}"][name] for scale in SCALES]
        lines.append(f"{name:<10}{missed[0]:>17}{missed[1]:>10}{result['downcasts_missed'][name]:>18}{shown:>24}")
    lines.append(
        f"* of {ours_right['cases']}: naive and stable, float32 and float64, scales 1, 10 and 100 "
        f"(the others: of {result['right_code_per_scale']} naive float64 passes at each scale)"
    )
    other = result["cross_entropy"]
    lines.append(
        f"With a cross-entropy, ours: {other['missed']['1']} and {other['missed']['10']} of "
        f"{other['planted_per_scale']} missed at scales 1 and 10; "
        f"{other['false_alarms']} false alarms of {other['right_code']}"
    )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the table and save the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=NETWORKS)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args(arguments)
    result = measure(options.networks, progress=lambda text: print(text, flush=True))
    print("\n" + table(result))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(options.out, json.dumps(result, indent=1).encode())
    print(f"\nSaved in {options.out}.")


if __name__ == "__main__":
    main()
