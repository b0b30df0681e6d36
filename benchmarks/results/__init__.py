"""Statistics and verdicts on measured times, each rule once: terminal, run file and report all take their words here.

Imports NumPy and SciPy only, so that a report can be drawn where no framework is installed.
"""
