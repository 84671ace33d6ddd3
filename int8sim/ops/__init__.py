"""One file per layer type, found by directory scan: registry.py. base.py says what a file holds and in which order."""
