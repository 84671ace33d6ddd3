"""The catalogue of known wrong arithmetic: what a layer, or a spec function, would give with one part of it wrong."""
