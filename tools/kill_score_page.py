"""Write docs/kill-scores.md: what generated vectors are worth, beside random ones, for every profile.

python tools/kill_score_page.py            prints the table
python tools/kill_score_page.py --write    writes it to its page: seven minutes
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pages import show, table

from int8sim.golden.generate import generate
from int8sim.golden.samples import SAMPLES, sample_layer
from int8sim.golden.vectors.score import Score
from int8sim.profiles.registry import BUILT_IN

PAGE = Path(__file__).parent.parent / "docs" / "kill-scores.md"
COLUMNS = ("profile", "layer", " vectors", " mutations", " proved equivalent", " killed", " score", " random vectors")
WIDE = ("cmsis_nn", "int16", ("conv2d", "fully_connected"))
"""The scheme of 16-bit activations: profile, preset, layers."""


def rows() -> Iterator[tuple[str, ...]]:
    """Every profile's sample layers, then those of 16 bits."""
    for profile in BUILT_IN:
        for kind in SAMPLES:
            yield row(profile, "mixed", kind)
    for kind in WIDE[2]:
        yield row(WIDE[0], WIDE[1], kind)


def row(profile: str, preset: str, kind: str) -> tuple[str, ...]:
    """One layer's line; survivors are named in it."""
    graph = sample_layer(kind, profile, preset=preset)
    score = generate(graph, graph.layers[0]).score
    named = "" if score else f" ({', '.join(each.key for each in score.survivors)} survive)"
    shown = f"`{profile}`" if preset == "mixed" else f"`{profile}`, {preset}"
    return (shown, f"{kind}{named}", *numbers(score))


def numbers(score: Score) -> tuple[str, ...]:
    """From the vectors on."""
    counts = (score.vectors, score.mutations, len(score.proved), score.killed)
    return (*map(str, counts), f"{score.percent:.1f} %", f"{score.random_percent:.1f} %")


if __name__ == "__main__":
    show(PAGE, "scores", table(COLUMNS, rows()))
