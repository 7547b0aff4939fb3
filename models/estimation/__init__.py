"""Estimation: the steps of GS3SLS and its special cases, and their covariances."""
