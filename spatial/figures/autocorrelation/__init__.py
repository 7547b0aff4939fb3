"""Figures of spatial autocorrelation: scatter plots, through time, with distance."""
