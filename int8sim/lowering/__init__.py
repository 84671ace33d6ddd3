"""Float graph, table and profile -> integer graph: fold.py, ranges.py, weights.py; lower.py writes the layers."""
