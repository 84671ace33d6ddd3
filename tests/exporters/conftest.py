"""Makes tools/engines.py and this folder's helpers importable, and prints how many outputs were compared."""

import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
for folder in (HERE, HERE.parents[1] / "tools"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

COMPARED: Counter[tuple[str, str]] = Counter()
sys.modules["exporter_counts"] = sys.modules[__name__]


def pytest_terminal_summary(terminalreporter):
    if not COMPARED:
        return
    terminalreporter.section("outputs compared with the engines, 0 different")
    for op in sorted({op for _, op in COMPARED}):
        counts = {profile: count for (profile, name), count in COMPARED.items() if name == op}
        shown = "  ".join(f"{profile} {count:>12,}" for profile, count in sorted(counts.items()))
        terminalreporter.write_line(f"{op:<22} {shown}")
