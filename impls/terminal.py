"""Output to a terminal or pipe whose encoding lacks some characters: those become plain ones, and nothing fails."""

from __future__ import annotations

import codecs
import unicodedata
from typing import TextIO

PLAIN = {
    **{"µ": "u", "μ": "mu", "×": "x", "·": "*", "−": "-", "–": "-", "—": "-", "…": "...", "±": "+-", "√": "sqrt "},
    **{"σ": "sigma", "τ": "tau", "δ": "delta", "Δ": "delta", "ε": "eps", "λ": "lambda", "θ": "theta", "β": "beta"},
    **{"ρ": "rho", "η": "eta", "α": "alpha", "ℓ": "l", "∂": "d", "Σ": "sum ", "∘": "*", "∞": "inf"},
    **{"≤": "<=", "≥": ">=", "≈": "~", "←": "<-", "→": "->", "′": "'", "“": '"', "”": '"', "’": "'"},
}
"""What is written for a character that the encoding lacks; others become their base letter, or a question mark."""


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
