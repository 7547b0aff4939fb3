"""Policies: staggered difference-in-differences, and what neighbours of the treated get."""
