"""Write docs/kill-scores.md: what generated vectors are worth, beside random ones, for every profile.

python tools/kill_score_page.py            prints the table
python tools/kill_score_page.py --write    writes it to its page: twenty minutes
python tools/kill_score_page.py --write --only softmax matmul    the other lines stay as the page has them
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pages import put, table

from int8sim.golden.generate import generate
from int8sim.golden.samples import sample_kinds, sample_layer
from int8sim.golden.vectors.score import Score
from int8sim.profiles.registry import BUILT_IN

PAGE = Path(__file__).parent.parent / "docs" / "kill-scores.md"
COLUMNS = ("profile", "layer", " vectors", " mutations", " proved equivalent", " killed", " score", " random vectors")
WIDE = ("cmsis_nn", "int16", ("conv2d", "fully_connected"))
"""The scheme of 16-bit activations: profile, preset, layers."""


def layers() -> Iterator[tuple[str, str, str]]:
    """(profile, preset, kind): every profile's sample layers, then those of 16 bits."""
    for profile in BUILT_IN:
        for kind in sample_kinds(profile):
            yield profile, "mixed", kind
    for kind in WIDE[2]:
        yield WIDE[0], WIDE[1], kind


def rows(only: Sequence[str], written: Mapping[tuple[str, str], Sequence[str]]) -> Iterator[Sequence[str]]:
    """Every layer's line; those of other kinds than `only` as they are written."""
    for profile, preset, kind in layers():
        if only and kind not in only:
            yield written[shown(profile, preset), kind]
        else:
            yield row(profile, preset, kind)


def lines(page: str) -> dict[tuple[str, str], list[str]]:
    """The page's lines by profile and kind."""
    cells = [[each.strip() for each in line.strip("| ").split("|")] for line in page.splitlines() if "| `" in line]
    return {(each[0], each[1].split()[0]): each for each in cells}


def shown(profile: str, preset: str) -> str:
    """The first cell."""
    return f"`{profile}`" if preset == "mixed" else f"`{profile}`, {preset}"


def row(profile: str, preset: str, kind: str) -> Sequence[str]:
    """One layer's line; survivors are named in it."""
    graph = sample_layer(kind, profile, preset=preset)
    score = generate(graph, graph.layers[0]).score
    named = "" if score else f" ({', '.join(each.key for each in score.survivors)} survive)"
    return (shown(profile, preset), f"{kind}{named}", *numbers(score))


def numbers(score: Score) -> tuple[str, ...]:
    """From the vectors on."""
    counts = (score.vectors, score.mutations, len(score.proved), score.killed)
    return (*map(str, counts), f"{score.percent:.1f} %", f"{score.random_percent:.1f} %")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--only", nargs="+", default=[])
    chosen, page = parser.parse_args(), PAGE.read_text()
    found = table(COLUMNS, rows(chosen.only, lines(page)))
    if chosen.write:
        PAGE.write_text(put(page, "scores", found))
    else:
        print(found)
