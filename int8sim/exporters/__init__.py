"""A lowered graph as the vendor engine's own model file: the same integers, for that engine to run."""
