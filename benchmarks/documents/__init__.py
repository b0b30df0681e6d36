"""The documents that measuring writes: a run, the ladder, the self-check. Their types import no framework."""
