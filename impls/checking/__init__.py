"""How an implementation is known to be right: oracle, bound, agreement."""
