"""Disparities: inequality, convergence, densities, centres of gravity."""
