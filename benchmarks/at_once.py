"""Imported before anything that takes time: from then on Ctrl-C ends the process at once."""

from samegrad.benchmarks import interrupts

interrupts.end_at_once()
