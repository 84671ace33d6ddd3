"""Hypothesis strategies: words.py (integers, packed words, float32 patterns), converters.py (a profile's own steps)."""

from int8sim.strategies.converters import accumulators, output_steps
from int8sim.strategies.words import float32_patterns, int8s, packed_words, words

__all__ = ["accumulators", "float32_patterns", "int8s", "output_steps", "packed_words", "words"]
