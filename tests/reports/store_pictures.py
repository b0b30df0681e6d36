"""Store the pictures that the image tests compare with: run this after a wanted change, and look at every one."""

from __future__ import annotations

from pathlib import Path

from reports import runs, style
from reports.figures import FIGURES

STORED = Path(__file__).with_name("stored")

if __name__ == "__main__":
    for number in range(1, runs.FORMAT + 1):
        run = runs.read(STORED / f"format-{number}.json")
        for figure in FIGURES:
            with style.applied():
                drawn = figure.draw(run, run.select(*run.settings[0]), style.looks(run.implementations))
                path = STORED / f"format-{number}-{figure.NAME}.png"
                drawn.savefig(path, dpi=100)  # its metadata name the version of matplotlib
            print(path)
