"""Formulas: their grammar, and the structure of the system that they describe."""
