"""The files that travel with int8sim: inside an installed package, or in the checkout."""

from __future__ import annotations

from pathlib import Path

from int8sim.model.errors import FileProblemError

PACKAGE = Path(__file__).parents[1]
FOLDERS = (PACKAGE / "data" / "lenet", PACKAGE.parent / "golden" / "lenet")
DEVICES = (PACKAGE / "data" / "gpu", PACKAGE.parent / "golden" / "gpu")


def lenet(name: str) -> Path:
    """The path of one of the LeNet's files. Raises FileProblemError."""
    for folder in FOLDERS:
        if (folder / name).is_file():
            return folder / name
    raise FileProblemError(FOLDERS[0] / name, "the file belongs to int8sim and is missing; install int8sim again")


def device_results() -> list[Path]:
    """What tools/gpu_check.py wrote on GPUs, one JSON for each; none where no GPU has been asked."""
    return sorted({path.name: path for folder in DEVICES for path in folder.glob("*.json")}.values())
