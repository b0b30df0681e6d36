"""How sharp is verify beside other gradient checkers? `python -m benchmarks.sharpness` counts it."""
