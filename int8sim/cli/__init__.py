"""The command line. Exit status: 0 done and matched, 1 ran and did not match, 2 bad usage or bad input."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line. Every failure that int8sim foresees is one message on stderr and exit status 2."""
    from int8sim.cli.app import app
    from int8sim.model.errors import Int8SimError

    try:
        app()
    except Int8SimError as problem:
        sys.stderr.write(f"int8sim: {problem}\n")
        sys.exit(2)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
