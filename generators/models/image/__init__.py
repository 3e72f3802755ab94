"""Families of image generators, one a file."""
