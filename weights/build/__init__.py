"""Building weights: contiguity, distances, nearness in values, islands."""
