"""`python -m samegrad`, and `samegrad`: the command line, at which Ctrl-C shows no traceback while it is imported."""

from samegrad.benchmarks import at_once, interrupts  # noqa: F401
from samegrad.command_line import main as command_line


def main(arguments: list[str] | None = None) -> None:
    """Run the command line. A Ctrl-C after its end does not change its exit status."""
    try:
        command_line(arguments)
    finally:
        interrupts.ignored_from_now_on()


if __name__ == "__main__":
    main()
