"""What a person sees: tables on stdout, progress on stderr and only on a terminal; or one JSON object."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text


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
        """A table; the first column to the left, the others to the right."""
        if self.as_json:
            return
        drawn = RichTable(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
        for place, name in enumerate(columns):
            drawn.add_column(name, justify="left" if place == 0 else "right", overflow="fold")
        for row in rows:
            drawn.add_row(*map(Text, row))
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
