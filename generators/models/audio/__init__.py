"""Families of audio generators, one a file."""
