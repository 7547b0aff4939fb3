"""Reading and writing weights, one file a family of formats."""
