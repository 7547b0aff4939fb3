"""Identification: ranks, populations, first stages, strength of instruments, advice."""
