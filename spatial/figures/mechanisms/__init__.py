"""Figures of what papers ask after the first table: curves over a variable, and fits side by side."""
