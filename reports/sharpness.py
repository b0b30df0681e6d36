"""The document of `python -m impls.verifying.sharpness`: how many planted mistakes each gradient checker lets pass."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.reading import document, load, mapping, number, text, texts

FORMAT, VERSION = "samegrad-sharpness", 1
ORIGIN = "sharpness files are written by `python -m impls.verifying.sharpness`"


@dataclass(frozen=True)
class Checker:
    """One checker: what it missed at each scale and of the downcasts, and its false alarms over all right code."""

    name: str
    missed: dict[str, float]
    downcasts_missed: float
    false_alarms: float
    right_code: float


@dataclass(frozen=True)
class Sharpness:
    """One document: so many mistakes planted at each scale, and so many downcasts."""

    path: Path
    date: str
    planted: float
    downcasts: float
    mistakes: int
    networks: float
    versions: dict[str, str]
    checkers: tuple[Checker, ...]

    @property
    def scales(self) -> list[str]:
        """The scales of the parameters, in the document's order."""
        return list(dict.fromkeys(scale for checker in self.checkers for scale in checker.missed))


def is_one(content: dict[str, Any]) -> bool:
    """Whether that JSON object is such a document; the first ones had a number alone for their format."""
    return content.get("format") == FORMAT or (content.get("format") == 1 and "planted_per_scale" in content)


def read(path: str | Path) -> Sharpness:
    """Read one document. Raises RunFileError where it is missing, not JSON, cut off, not one, or newer."""
    path = Path(path)
    content = load(path, ORIGIN)
    if content.get("format") == FORMAT or not is_one(content):
        content = document(path, FORMAT, VERSION, ORIGIN)
    mistakes = content.get("mistakes")
    return Sharpness(
        path=path,
        date=text(content.get("date")),
        planted=number(content.get("planted_per_scale")),
        downcasts=number(content.get("downcasts_planted")),
        mistakes=len(mistakes) if isinstance(mistakes, list) else 0,
        networks=number(content.get("networks")),
        versions=texts(content.get("versions")),
        checkers=_checkers(content),
    )


def _checkers(content: dict[str, Any]) -> tuple[Checker, ...]:
    missed = {text(scale): mapping(by_name) for scale, by_name in mapping(content.get("missed")).items()}
    names = dict.fromkeys(name for by_name in missed.values() for name in by_name)
    downcasts, alarms = mapping(content.get("downcasts_missed")), mapping(content.get("false_alarms"))
    ours, each = mapping(content.get("ours_right_code")), number(content.get("right_code_per_scale"))
    found = []
    for name in names:
        by_scale = [number(count) for count in mapping(alarms.get(name)).values()]
        is_ours = name not in alarms
        found.append(
            Checker(
                name=text(name),
                missed={scale: number(by_name.get(name)) for scale, by_name in missed.items()},
                downcasts_missed=number(downcasts.get(name)),
                false_alarms=number(ours.get("false_alarms")) if is_ours else sum(by_scale),
                right_code=number(ours.get("cases")) if is_ours else each * len(by_scale),
            )
        )
    return tuple(found)
