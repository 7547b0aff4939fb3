"""Size and formulas of the system in conftest.py; BAI is the form that is not identified."""

N, T = 49, 4
FULL = ["y ~ p + W(y) + W(p) + x + k", "p ~ y + W(p) + W(y) + z + k"]
BAI = ["y ~ p + W(y) + W(p) + x + z", "p ~ y + W(p) + W(y) + x + z"]
