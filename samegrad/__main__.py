"""`python -m samegrad`, and `samegrad`: the command line, at which Ctrl-C shows no traceback while it is imported."""

from samegrad.benchmarks import at_once  # noqa: F401
from samegrad.command_line import main

if __name__ == "__main__":
    main()
