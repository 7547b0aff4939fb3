"""Separated text of many rows, read by a compiled pass: each cell is looked at once."""
