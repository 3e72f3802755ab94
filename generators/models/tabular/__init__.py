"""Families of tabular generators, one a file."""
