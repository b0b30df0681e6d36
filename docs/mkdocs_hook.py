"""A hook for mkdocs: the site has the folders of the repository, so that a link works in both without a change.

The README is the front page. A link to a file that does not exist stays dead, and `mkdocs build --strict` refuses it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"\]\(([^)#:\s]+)")


def on_files(files: Files, config: Any) -> Files:
    """Return the theme's files, the README, the pages in docs/, and every file that a page links to."""
    theme = [file for file in files if file.src_dir != config.docs_dir]
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    shown = dict.fromkeys(pages)
    for page in pages:
        links = [(page.parent / link).resolve() for link in LINK.findall(page.read_text(encoding="utf-8"))]
        new = [path for path in links if path.is_file() and path.is_relative_to(ROOT) and path not in shown]
        shown.update(dict.fromkeys(new))
        pages += [path for path in new if path.suffix == ".md"]
    ours = [File.generated(config, str(path.relative_to(ROOT)), abs_src_path=str(path)) for path in shown]
    return Files([*theme, *ours])
