"""The joint adjusted quasi-score estimator of coefficients and spatial errors, and its intervals."""
