"""Mutations of a package's functions, and whether its tests notice them: what tools/mutate_spec.py is made of."""
