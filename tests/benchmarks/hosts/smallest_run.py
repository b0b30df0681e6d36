"""The options of a run that measures one call of one implementation, for tests of how runs are sent to hosts."""

TINY = ("--implementations=numpy", "--problems=line", "--passes=forward", "--batches=4", "--launches=1", "--budget=1")
