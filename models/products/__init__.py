"""Columns of a system with the effects out whatever rho is, and their cross-products."""
