"""The fits of a study: their names, formulas, the calls that estimate them, and what is made of them."""
