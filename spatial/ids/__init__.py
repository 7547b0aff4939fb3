"""Ids: labels of units told apart, matched, and rows brought into one order."""
