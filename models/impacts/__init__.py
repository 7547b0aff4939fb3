"""Impacts: direct, indirect and total effects, and the stability of a system."""
