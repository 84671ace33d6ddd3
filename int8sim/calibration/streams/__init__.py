"""Batch streams: data sets read piece by piece, prepared as a network's input, in full batches."""
