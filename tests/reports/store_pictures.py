"""Store the pictures that the image tests compare with: run this after a wanted change, and look at every one."""

from __future__ import annotations

from pathlib import Path

from samegrad.benchmarks.documents.run import RunDocument
from samegrad.reports import style
from samegrad.reports.material import gather
from samegrad.reports.parts import parts_of

STORED = Path(__file__).with_name("stored")

if __name__ == "__main__":
    for number in range(1, RunDocument.VERSION + 1):
        with style.applied():
            for part in parts_of(gather(sorted(STORED.glob(f"*-{number}.json")))):
                for figure in part.figures:
                    path = STORED / f"format-{number}-{figure.name}.png"
                    figure.draw().savefig(path, dpi=100)  # its metadata name the version of matplotlib
                    print(path)
