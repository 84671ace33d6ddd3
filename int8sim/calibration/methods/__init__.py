"""The calibrators: one file each, from a tensor's statistics to its scale; METHODS in registry.py by name."""
