"""Layers and tensors as data (ir), their checks (check), running them (run), and watching a run (trace)."""
