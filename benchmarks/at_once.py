"""From the import of this module on, Ctrl-C ends the process at once: import it before anything that takes time."""

from samegrad.benchmarks import interrupts

interrupts.end_at_once()
