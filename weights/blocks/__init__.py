"""Weights by blocks of rows: in a folder of files, or of a raster and never stored."""
