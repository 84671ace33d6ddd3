"""Pages of which a tool writes parts: what stands between `<!-- part -->` and `<!-- end -->`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path


def put(text: str, part: str, content: str) -> str:
    """The page with one generated part replaced."""
    start, end = f"<!-- {part} -->", "<!-- end -->"
    return re.sub(f"{re.escape(start)}.*?{end}", lambda _: f"{start}\n\n{content}\n\n{end}", text, flags=re.DOTALL)


def show(page: Path, part: str, text: str) -> None:
    """Print a part, or write it to its page: --write."""
    if sys.argv[1:] == ["--write"]:
        page.write_text(put(page.read_text(), part, text))
    else:
        print(text)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table. A column whose name begins with a blank has numbers."""
    rule = ["---:" if name.startswith(" ") else "---" for name in columns]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [[name.strip() for name in columns], rule, *rows])
