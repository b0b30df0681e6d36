"""Is a hand-written gradient right, and if not, which mistake is it? Targets, probes, mutants, diagnosis, verdict."""
