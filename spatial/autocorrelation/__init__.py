"""Spatial autocorrelation: Moran, Geary, Getis-Ord, local statistics, panels, Markov chains."""
