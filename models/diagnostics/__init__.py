"""Diagnostics: tests of instruments, residuals, systems and panels."""
