"""Training: recipes, optimizers and trainers, one per framework, and what to compare their curves with."""
