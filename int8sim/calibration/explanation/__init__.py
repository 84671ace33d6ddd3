"""Somebody else's table: what its rows say about how it was made. Bottom up: candidates, readings, pairs, explain."""
