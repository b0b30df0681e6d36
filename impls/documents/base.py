"""Reading and saving a typed document: what does not fit its type is refused in one line, with the JSON path."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, TypeVar

import msgspec

from samegrad.impls.errors import BadInput
from samegrad.impls.files import read_whole

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""A whole number that a float holds exactly."""
Rows = Annotated[int, msgspec.Meta(ge=1, le=2**53)]
"""The rows of a batch."""
Distance = Annotated[float, msgspec.Meta(ge=0)]
Ratio = Annotated[float, msgspec.Meta(gt=0)]
"""A ratio of two times."""
Time = Annotated[float, msgspec.Meta(gt=0, le=1e18)]
"""A time in ns, up to thirty years."""
Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class DocumentError(BadInput):
    """A file that is not what it should be; the message says where in it, what was found and what is expected."""


class DocumentPart(msgspec.Struct, frozen=True, kw_only=True):
    """A JSON object within a document. Keys that its type does not know are passed over."""


class Document(DocumentPart, frozen=True, kw_only=True):
    """A whole document: what kind it is, where commands save it, and what writes it."""

    FORMAT: ClassVar[str]
    VERSION: ClassVar[int] = 1
    FOLDER: ClassVar[Path]
    ORIGIN: ClassVar[str]
    KEY: ClassVar[str | None] = None
    """A key by which the first files of this kind are known, whose format is the number 1 alone."""

    format: str
    format_version: int

    @classmethod
    def version_in(cls, top: dict[str, msgspec.Raw]) -> object:
        """The version that a JSON object of this kind gives, or None for an object of another kind."""
        kind = plain(top.get("format"))
        if kind != cls.FORMAT:
            return 1 if kind == 1 and cls.KEY in top else None
        version = plain(top.get("format_version"), "missing")
        return "null" if version is None else version

    @classmethod
    def of(cls, fields: dict[str, Any]) -> Self:
        """The document of what a command found. Raises ValueError, with the JSON path, where it does not fit."""
        return fitted({"format": cls.FORMAT, "format_version": cls.VERSION, **fields}, cls)

    def encoded(self) -> bytes:
        """The document as JSON. Raises ValueError where a number is not finite, which JSON cannot express."""
        content = msgspec.json.format(msgspec.json.encode(self), indent=1)
        msgspec.json.decode(content, type=type(self))
        return content + b"\n"


Kind = TypeVar("Kind", bound=Document)
Fitted = TypeVar("Fitted", bound=DocumentPart)


def fitted(fields: dict[str, Any], kind: type[Fitted]) -> Fitted:
    """What a command found as its type, NumPy's numbers as Python's. Raises ValueError, with the JSON path."""
    return msgspec.convert(msgspec.to_builtins(fields, enc_hook=lambda number: number.item()), kind)


def made() -> str:
    """The present time, as documents write their date."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def read(path: str | Path, kinds: Iterable[type[Kind]]) -> Kind:
    """Read the file as whichever of these kinds it is. Raises DocumentError for anything else."""
    return read_with_content(path, kinds)[0]


def read_with_content(path: str | Path, kinds: Iterable[type[Kind]]) -> tuple[Kind, bytes]:
    """As `read`, and the bytes that were read: a pipe gives them only once."""
    path, kinds = Path(path), list(kinds)
    origin = kinds[0].ORIGIN
    try:
        content = read_whole(path)
    except OSError as error:
        raise DocumentError(f"{path}: cannot be read ({error.strerror}); {origin}") from None
    top = _decoded(path, content, dict[str, msgspec.Raw], origin)
    for kind in kinds:
        version = kind.version_in(top)
        if version is not None:
            _require(path, version, kind)
            return _decoded(path, content, kind, kind.ORIGIN), content
    plain = "plain pytest-benchmark JSON" if "benchmarks" in top else "JSON of another kind"
    raise DocumentError(f"{path}: at $.format: is {plain}; {origin}")


def _require(path: Path, version: object, kind: type[Document]) -> None:
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        text = "nothing" if version == "missing" else repr(version)
        raise DocumentError(
            f"{path}: at $.format_version: must be a whole number of at least 1, found {text}; {kind.ORIGIN}"
        )
    if version > kind.VERSION:
        raise DocumentError(
            f"{path}: at $.format_version: {version} is newer than this version of samegrad reads "
            f"(up to {kind.VERSION}); update samegrad"
        )


def _decoded(path: Path, content: bytes, kind: Any, origin: str) -> Any:
    """The content as that type, or DocumentError with the JSON path of the first thing that is wrong."""
    try:
        content.decode()
        decoded = msgspec.json.decode(content, type=kind)
        return _on_one_line(content, decoded) if isinstance(decoded, Document) else decoded
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at ")
        where, what = where.strip("`") or "$", what[0].lower() + what[1:]
    except msgspec.DecodeError as error:
        at = re.search(r"\(byte (\d+)\)", str(error))
        end = int(at.group(1)) if at else len(content)
        cut_off = end >= len(content.rstrip()) - 1 and content.lstrip().startswith(b"{")
        where = path_at(content, end)
        what = "is cut off" if cut_off else f"is not JSON ({str(error).removeprefix('JSON is malformed: ')})"
    except UnicodeDecodeError as error:
        where, what = path_at(content, error.start), "is not JSON but binary data"
    except RecursionError:
        where, what = "$", "is nested too deeply"
    raise DocumentError(f"{path}: at {where}: {what}; {origin}") from None


TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"?|[][{}:,]')
MOST_OF_A_KEY = 40


def path_at(content: bytes, end: int) -> str:
    """The JSON path of the value at a byte, of a text that is JSON up to there."""
    inside: list[int | str] = []
    text = ""
    for token in TOKEN.finditer(content, 0, end):
        mark = token.group()
        if mark in (b"{", b"["):
            inside.append("" if mark == b"{" else 0)
        elif mark in (b"}", b"]") and inside:
            inside.pop()
        elif mark == b":" and inside:
            inside[-1] = text
        elif mark == b"," and inside:
            last = inside[-1]
            inside[-1] = last + 1 if isinstance(last, int) else ""
        elif mark[:1] == b'"':
            text = mark.strip(b'"').decode(errors="replace")[:MOST_OF_A_KEY]
        if len(inside) > MOST_OF_A_KEY:
            return "$"
    return "$" + "".join(f"[{at}]" if isinstance(at, int) else f".{at}" for at in inside if at != "")


CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
CONTROL_IN_JSON = re.compile(rb"\\[nrtbfu]|\x7f|\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]")


def _on_one_line(content: bytes, document: Kind) -> Kind:
    """The document with every text on one line without control characters, as tables, files and figures need it.

    Raises ValidationError where a text that must not be empty consists of them alone.
    """
    if not CONTROL_IN_JSON.search(content):
        return document
    return msgspec.convert(_lines_joined(msgspec.to_builtins(document)), type(document))


def _lines_joined(value: Any) -> Any:
    if isinstance(value, str):
        return " ".join(CONTROL.sub(" ", value).split()) if CONTROL.search(value) else value
    if isinstance(value, (list, tuple)):
        return [_lines_joined(item) for item in value]
    return {_lines_joined(k): _lines_joined(v) for k, v in value.items()} if isinstance(value, dict) else value


def plain(raw: msgspec.Raw | None, missing: Any = None) -> Any:
    """A piece of JSON as a value; as its first characters where it is none."""
    try:
        return missing if raw is None else msgspec.json.decode(raw)
    except msgspec.MsgspecError:
        return bytes(raw or b"")[:MOST_OF_A_KEY].decode(errors="replace")


def latest(kind: type[Document], folder: Path | None = None) -> Path | None:
    """The newest file in the folder where commands save this kind, if there is one."""
    paths = (folder or kind.FOLDER).glob("*.json")
    return max(paths, key=lambda path: (path.stat().st_mtime_ns, path.name), default=None)
