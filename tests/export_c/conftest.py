import shutil
import subprocess

import pytest


@pytest.fixture(scope="session")
def cc():
    """cc(*arguments) compiles, every warning an error; skips where there is no compiler."""
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler here")

    def compile_c(*arguments):
        command = ["cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-O1", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    return compile_c


@pytest.fixture(scope="session")
def needs():
    """needs(library): the symbols that it takes from others, those that the C compiler adds for itself left out."""

    def undefined(library):
        listed = subprocess.run(["nm", "-D", "--undefined-only", library], capture_output=True, text=True, check=True)
        return {name.split("@")[0] for kind, name in map(str.split, listed.stdout.splitlines()) if kind != "w"}

    return undefined
