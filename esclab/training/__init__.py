"""Training: recipes, runs, the loop, cross-validation, the ledger of results."""
