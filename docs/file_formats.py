"""Write docs/file-formats.md from the documents' types: `python docs/file_formats.py`, or `make docs`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect

sys.path.insert(0, str(Path(__file__).parents[1]))

from samegrad.benchmarks.documents.run import RunDocument
from samegrad.impls.documents.base import Document
from samegrad.impls.documents.conformance import Conformance
from samegrad.reports.material import BESIDE

PAGE = Path(__file__).with_name("file-formats.md")
KINDS: tuple[type[Document], ...] = (RunDocument, *BESIDE.values(), Conformance)
OPENING = """# File formats

Every command that measures (`pytest --benchmark-only`, `samegrad agree`, `train`, `study`, `optimizers`, `ladder`,
`selfcheck`, `conformance`) saves a JSON document under `reports/`. `--json PATH` saves it there instead, and `--json`
alone prints it. `samegrad report` finds the latest of each kind, or draws those that it is given.

This page is made from the types (`make docs`). A key is required unless its default is given. Keys that are not listed
are ignored. A file that does not fit is refused in one line, with the JSON path. Texts are UTF-8. The names of times
end in their units.
"""


def page() -> str:
    """The whole page."""
    shown: set[type] = set()
    return "\n".join([OPENING, *(section(kind, shown) for kind in KINDS)])


def section(kind: type[Document], shown: set[type]) -> str:
    """One document: what it is, and a table for each of its objects that no earlier one has."""
    parts: list[type] = []
    _collect(inspect.type_info(kind), parts)
    new = [part for part in parts if part not in shown and part != kind]
    shown.update(parts)
    tables = [_table(kind), *(f"### {part.__name__}\n\n{_doc(part)}\n\n{_table(part)}" for part in new)]
    return f"## {kind.FORMAT}\n\n{_doc(kind)}\n\nIn `{kind.FOLDER}/`; {kind.ORIGIN}.\n\n" + "\n".join(tables)


def _doc(part: type) -> str:
    return "\n".join(line.strip() for line in (part.__doc__ or "").strip().splitlines())


def _table(part: type) -> str:
    rows = ["| key | value | default |", "|---|---|---|"]
    for field in inspect.type_info(part).fields:  # type: ignore[attr-defined]
        if part is RunDocument and field.name.startswith("format"):
            continue  # a run file has its format under `samegrad`
        default = "" if field.required else _default(field)
        rows.append(f"| `{field.encode_name}` | {_in_words(field.type)} | {default} |")
    return "\n".join(rows) + "\n"


def _default(field: inspect.Field) -> str:
    if field.default is field.default_factory is msgspec.NODEFAULT:
        return "left out"
    value = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    return f"`{msgspec.json.encode(value).decode()}`"


def _in_words(kind: Any) -> str:
    """A type in words: `number ≥ 0 or null`, `list of Row`."""
    match kind:
        case inspect.UnionType(types=types):
            return " or ".join(map(_in_words, types))
        case inspect.StructType(cls=cls):
            return f"[{cls.__name__}](#{cls.__name__.lower()})"
        case inspect.DictType(value_type=value):
            return f"object of {_in_words(value)} by name"
        case inspect.VarTupleType(item_type=item):
            return f"list of {_in_words(item)}"
        case inspect.TupleType(item_types=items):
            return f"[{', '.join(map(_in_words, items))}]"
        case inspect.LiteralType(values=values):
            return " or ".join(f"`{msgspec.json.encode(value).decode()}`" for value in values)
        case inspect.IntType() | inspect.FloatType():
            bounds = [f"> {kind.gt:g}"] if kind.gt is not None else []
            bounds += [f"≥ {kind.ge:g}"] if kind.ge is not None else []
            bounds += [f"≤ {kind.le:g}"] if kind.le is not None and kind.le < 2**53 else []
            return " ".join(["whole number" if isinstance(kind, inspect.IntType) else "number", *bounds])
    names = {
        inspect.StrType: "text",
        inspect.BoolType: "true or false",
        inspect.NoneType: "null",
        inspect.AnyType: "anything",
    }
    return names[type(kind)]


def _collect(kind: Any, parts: list[type]) -> None:
    """Every object within a type, in the order in which it is met."""
    if isinstance(kind, inspect.StructType):
        if kind.cls in parts:
            return
        parts.append(kind.cls)
        for field in kind.fields:
            _collect(field.type, parts)
    for name in ("value_type", "item_type"):
        if hasattr(kind, name):
            _collect(getattr(kind, name), parts)
    for inner in getattr(kind, "types", getattr(kind, "item_types", ())):
        _collect(inner, parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
