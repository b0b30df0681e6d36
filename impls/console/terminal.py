"""Output to a terminal or pipe whose encoding lacks some characters: those become plain ones, and nothing fails."""

from __future__ import annotations

import codecs
import os
import shutil
import textwrap
import unicodedata
from typing import IO, TextIO

PLAIN = {
    **{"µ": "u", "μ": "mu", "×": "x", "·": "*", "−": "-", "–": "-", "—": "-", "…": "...", "±": "+-", "√": "sqrt "},
    **{"σ": "sigma", "τ": "tau", "δ": "delta", "Δ": "delta", "ε": "eps", "λ": "lambda", "θ": "theta", "β": "beta"},
    **{"ρ": "rho", "η": "eta", "α": "alpha", "ℓ": "l", "∂": "d", "Σ": "sum ", "∘": "*", "∞": "inf"},
    **{"≤": "<=", "≥": ">=", "≈": "~", "←": "<-", "→": "->", "′": "'", "“": '"', "”": '"', "’": "'"},
}
"""What is written for a character that the encoding lacks; others become their base letter, or a question mark."""


def moves(stream: IO[str]) -> bool:
    """Whether a line on the stream can be written over; rich takes a CI's log for a terminal that has FORCE_COLOR."""
    return stream.isatty() and not is_dumb()


def is_dumb() -> bool:
    """Whether the terminal shows the codes that would move on it as they are."""
    return os.environ.get("TERM") == "dumb"


def columns(stream: TextIO) -> int | None:
    """The width of the terminal that a stream writes to; None where it writes to none, and lines may be long."""
    return shutil.get_terminal_size().columns if stream.isatty() else None


def fitted(text: str, stream: TextIO) -> str:
    """The text with its lines broken between words, where they would be wider than the terminal that it goes to."""
    width = columns(stream)
    if width is None:
        return text
    return "\n".join(line if len(line) <= width else textwrap.fill(line, max(1, width)) for line in text.split("\n"))


def write_plainly(stream: TextIO) -> None:
    """Make the stream write plain characters where its encoding lacks one, instead of raising UnicodeEncodeError."""
    if reconfigure := getattr(stream, "reconfigure", None):
        reconfigure(errors=_plainly.__qualname__)


def _plainly(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_plain, error.object[error.start : error.end])), error.end


def _plain(character: str) -> str:
    if character in PLAIN:
        return PLAIN[character]
    decomposed = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return decomposed or ("" if unicodedata.combining(character) else "?")


codecs.register_error(_plainly.__qualname__, _plainly)
