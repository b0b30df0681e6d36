"""The page of file formats is the one that the types give, and the stored documents are what it says."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import msgspec
import pytest

from samegrad.impls.documents import base

ROOT = Path(__file__).parents[1]


def made():
    """The script that makes the page."""
    spec = importlib.util.spec_from_file_location("file_formats", ROOT / "docs/file_formats.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


def test_the_page_is_up_to_date():
    """`make docs` makes it."""
    script = made()
    assert script.PAGE.read_text(encoding="utf-8") == script.page()


@pytest.mark.parametrize("path", sorted((ROOT / "tests/reports/stored").glob("*-1.json")), ids=lambda path: path.name)
def test_a_document_is_written_as_it_was_read(path):
    """What it was saved with is still there when it is written again, and it reads the same."""
    script = made()
    document = base.read(path, script.KINDS)
    stored, written = json.loads(path.read_text(encoding="utf-8")), json.loads(document.encoded())
    if "samegrad" not in stored:
        assert set(stored) <= set(written)
    assert msgspec.json.decode(document.encoded(), type=type(document)) == document
