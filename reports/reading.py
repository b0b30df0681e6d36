"""Reading JSON that somebody else may have written, or half of it: one clear line, or values of the type expected."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

NOTHING = float("nan")


class RunFileError(ValueError):
    """A file that cannot be read as what it should be; the message says what was found and what is expected."""


def load(path: Path, origin: str) -> dict[str, Any]:
    """The file's JSON object. Raises RunFileError where there is none; `origin` says where such files come from."""
    try:
        content = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RunFileError(f"{path}: cannot be read ({error.strerror}); {origin}") from None
    except UnicodeDecodeError:
        raise RunFileError(f"{path}: is not JSON but binary data; {origin}") from None
    try:
        found = json.loads(content)
    except json.JSONDecodeError as error:
        cut_off = content.lstrip().startswith("{") and (
            error.pos >= len(content.rstrip()) - 1 or error.msg.startswith("Unterminated string")
        )
        what = "is cut off" if cut_off else "is not JSON"
        raise RunFileError(f"{path}: {what} at line {error.lineno} ({error.msg}); {origin}") from None
    except RecursionError:
        raise RunFileError(f"{path}: is nested too deeply; {origin}") from None
    if not isinstance(found, dict):
        raise RunFileError(f"{path}: holds a JSON {type(found).__name__}, not an object; {origin}")
    return found


def document(path: Path, kind: str, newest: int, origin: str) -> dict[str, Any]:
    """The JSON object of a file whose `format` is `kind`, in a `format_version` up to `newest`.

    Raises RunFileError where the file is missing, not JSON, cut off, of another kind, or newer.
    """
    content = load(path, origin)
    if content.get("format") != kind:
        raise RunFileError(f"{path}: is JSON of another kind; {origin}")
    version = content.get("format_version")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise RunFileError(f"{path}: format_version must be a whole number of at least 1, found {version!r}")
    if version > newest:
        raise RunFileError(f"{path}: format {version} is newer than this version of samegrad reads (up to {newest})")
    return content


def texts(found: Any) -> dict[str, str]:
    """A JSON object of texts."""
    return {text(name): text(value) for name, value in mapping(found).items()}


def number(found: Any) -> float:
    """A finite number as float, anything else NaN."""
    if isinstance(found, bool) or not isinstance(found, int | float):
        return NOTHING
    try:
        value = float(found)
    except OverflowError:
        return NOTHING
    return value if math.isfinite(value) else NOTHING


def text(found: Any) -> str:
    """A text on one line that any file can hold: no control characters, no lone surrogates."""
    if found is None:
        return ""
    whole = str(found).encode("utf-8", "replace").decode("utf-8")
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", whole).split())


def mapping(found: Any) -> dict[str, Any]:
    """A JSON object, or an empty one."""
    return found if isinstance(found, dict) else {}


def sequence(found: Any) -> list[Any]:
    """A JSON list, or an empty one."""
    return found if isinstance(found, list) else []


def mappings(found: Any) -> list[dict[str, Any]]:
    """The JSON objects of a list."""
    return [item for item in sequence(found) if isinstance(item, dict)]
