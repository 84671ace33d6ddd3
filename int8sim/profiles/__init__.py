"""Each target's arithmetic as one frozen literal in one file: base.py says what a profile names."""
