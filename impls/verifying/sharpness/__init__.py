"""How sharp is verify beside other gradient checkers? `python -m impls.verifying.sharpness` counts it."""
