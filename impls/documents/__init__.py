"""The JSON documents that commands save and reports read: one type each, for the writer and for every reader.

Imports no framework and no NumPy, so that a report and `samegrad --help` may import it.
"""
