"""The schema of a study file: one class a section."""
