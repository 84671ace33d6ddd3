"""The golden store (store.py, graph_json.py) and the comparer (compare.py): a graph, its inputs, and every tensor."""
