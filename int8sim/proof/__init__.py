"""Proof by exhaustion: a converter's compiled kernel on every accumulator, against its exact definition."""
