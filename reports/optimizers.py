"""The document of `samegrad optimizers --json`: every framework's optimizers beside the textbook's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.reading import document, mapping, mappings, number, text, texts

FORMAT, VERSION = "samegrad-optimizers", 1
ORIGIN = "optimizer files are written by `samegrad optimizers --json`"


@dataclass(frozen=True)
class Followed:
    """One optimizer of one framework, fed the textbook's gradients: how far it leads from the textbook.

    `shipped` is with its own defaults and `aligned` as the textbook's function, of which `allowed` is rounding.
    `reasons` maps each known departure to how far it leads alone, and `unexplained` is what remains with all of them.
    """

    implementation: str
    optimizer: str
    aligned: float
    allowed: float
    shipped: float
    unexplained: float
    reasons: dict[str, float]

    @property
    def is_aligned(self) -> bool:
        """Whether the aligned one differs from the textbook by rounding alone."""
        return self.aligned <= self.allowed


@dataclass(frozen=True)
class Optimizers:
    """One document. `left_out` maps an implementation to why it could not be followed, or how it failed."""

    path: Path
    settings: dict[str, Any]
    rows: tuple[Followed, ...]
    left_out: dict[str, str]

    @property
    def implementations(self) -> list[str]:
        """Every implementation, in the document's order."""
        return list(dict.fromkeys(row.implementation for row in self.rows))

    @property
    def names(self) -> list[str]:
        """Every optimizer, in the document's order."""
        return list(dict.fromkeys(row.optimizer for row in self.rows))

    @property
    def what(self) -> str:
        """`100 steps on the same gradients, float64`, as far as the document says."""
        steps, dtype = (text(self.settings.get(key)) for key in ("steps", "dtype"))
        return ", ".join(part for part in (f"{steps} steps on the same gradients" if steps else "", dtype) if part)


def read(path: str | Path) -> Optimizers:
    """Read one document. Raises RunFileError where it is missing, not JSON, cut off, not one, or newer."""
    path = Path(path)
    content = document(path, FORMAT, VERSION, ORIGIN)
    return Optimizers(
        path=path,
        settings=mapping(content.get("settings")),
        rows=tuple(_followed(row) for row in mappings(content.get("rows"))),
        left_out=texts(content.get("left_out")) | texts(content.get("failed")),
    )


def _followed(row: dict[str, Any]) -> Followed:
    return Followed(
        implementation=text(row.get("implementation")),
        optimizer=text(row.get("optimizer")),
        **{key: number(row.get(key)) for key in ("aligned", "allowed", "shipped", "unexplained")},
        reasons={text(entry.get("reason")): number(entry.get("alone")) for entry in mappings(row.get("reasons"))},
    )
