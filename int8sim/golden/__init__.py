"""Golden files (store.py, record.py), the comparer (compare.py), exports for benches (export.py), dumps (dumps.py)."""
