"""Adversarial inputs put to this project and to its rivals: right, refused, or wrong in silence.

`make audit` installs the rivals beside the project, runs every question and writes `docs/audit.md`; this
folder is not installed.  `python -m audit NAME PROGRAM` prints a question as a script of its own.
"""
