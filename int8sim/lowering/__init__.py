"""Float graph, table and profile -> integer graph: fold.py, ranges.py, weights.py, and lower.py, which writes the layers."""
