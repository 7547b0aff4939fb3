"""A study explained: as a Python script that does the same, or in words."""
