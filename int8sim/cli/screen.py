"""What a person sees: tables on stdout, progress on stderr and only on a terminal; or one JSON object."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

NUMBER = re.compile(r"[-+0-9.,e%]*|-?inf|nan")


class Screen:
    """Prints for people, or stays silent and prints one JSON object at the end."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        width = None if sys.stdout.isatty() else 120
        self.console = Console(highlight=False, soft_wrap=True, width=width)

    def say(self, text: str = "") -> None:
        """One line."""
        if not self.as_json:
            self.console.print(Text(text))

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """A table: numbers to the right, text to the left, empty columns left out."""
        if self.as_json:
            return
        cells = [list(row) for row in rows]
        kept = [place for place in range(len(columns)) if any(row[place] for row in cells)]
        drawn = RichTable(title=title or None, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
        for place in kept:
            numeric = all(NUMBER.fullmatch(row[place]) for row in cells)
            drawn.add_column(columns[place], justify="right" if numeric else "left", overflow="fold")
        for row in cells:
            drawn.add_row(*(Text(row[place]) for place in kept))
        self.console.print(drawn)

    def result(self, content: dict[str, Any]) -> None:
        """The JSON object."""
        if self.as_json:
            sys.stdout.write(json.dumps(content, indent=2, default=str) + "\n")

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        """A bar on stderr, if that is a terminal: call with the number done."""
        if self.as_json or not sys.stderr.isatty():
            yield lambda _: None
            return
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(what, total=total)
            yield lambda done: bar.update(task, completed=done)
