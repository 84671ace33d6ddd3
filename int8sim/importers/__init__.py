"""Files of other tools as graphs: one module per format, loaded only when a file of that format is read."""
