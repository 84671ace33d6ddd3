"""The command line in process."""

import sys

import pytest

from int8sim.cli import main


@pytest.fixture
def command(monkeypatch, capsys):
    """Run `int8sim ARGUMENTS`; returns (exit status, stdout, stderr)."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["int8sim", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        out, err = capsys.readouterr()
        return stopped.value.code or 0, out, err

    return run
