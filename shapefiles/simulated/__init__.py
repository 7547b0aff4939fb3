"""Panels drawn with known truth over the real seats of Chinese cities: studies show what is recovered.

Nothing here was observed but the places.  Each module draws one panel, whose process is the model of a paper
with its printed coefficients, sample size and table of descriptions; a seed gives the same panel again.
"""
