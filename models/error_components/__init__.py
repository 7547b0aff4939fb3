"""Random effects of units in systems of equations: error components with instruments."""
