"""Families of text generators, one a file."""
