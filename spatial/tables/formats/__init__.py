"""Formats of a table: Word, Excel, LaTeX, HTML, Markdown."""
