"""`python -m samegrad`: the command line."""

from samegrad.command_line import main

if __name__ == "__main__":
    main()
