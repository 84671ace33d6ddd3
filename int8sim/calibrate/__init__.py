"""From a float network and data to a table of scales: statistics per tensor (histogram, minmax), and the run over batches."""
