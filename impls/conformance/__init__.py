"""Does an implementation keep the contract (`impls/implementation.py`)? By clauses, each failure in a sentence."""
