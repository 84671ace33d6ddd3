"""A Table as somebody's file, both ways: one module per format, `FORMATS` by name."""
