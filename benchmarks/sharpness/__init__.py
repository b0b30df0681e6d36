"""How sharp is verify beside other gradient checkers? `python -m samegrad.benchmarks.sharpness` counts it."""
