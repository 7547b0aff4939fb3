"""Estimation by instruments: which of them, fixed and random effects, the wild bootstrap."""
