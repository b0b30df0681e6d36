"""The three verdicts."""

RIGHT, WRONG, UNKNOWN = "right", "wrong", "cannot tell"
