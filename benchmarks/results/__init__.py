"""What measured times allow one to say, each rule once: terminal, run file and report all take their words from here.

Imports NumPy and SciPy only, so that a report can be drawn where no framework is installed.
"""
