"""From a float network and data to a table of scales: statistics per tensor, and the run over batches (run.py)."""
