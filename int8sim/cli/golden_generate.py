"""`int8sim golden generate`; returns the exit status."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from int8sim import api
from int8sim.cli.screen import Screen
from int8sim.golden.generate import Generated, generate
from int8sim.golden.graph_json import tensor_key
from int8sim.golden.samples import SAMPLES, one_layer, sample_layer
from int8sim.golden.vectors.score import Score
from int8sim.graph.ir import Graph, Layer
from int8sim.model.errors import LayerError, ParameterError, UnknownNameError


def golden_generate(
    what: str,
    profile: str | None,
    layer: str,
    vectors: int,
    seed: int,
    kill_score: bool,
    told_apart: bool,
    output: Path | None,
    as_json: bool,
) -> int:
    """`int8sim golden generate`."""
    screen, graph = Screen(as_json), _graph(what, profile)
    layers = _layers(graph, layer)
    scores, uncovered = list[Score](), list[LayerError]()
    for each in layers:
        try:
            with screen.progress(each.name, 1):
                found = generate(graph, each, vectors=vectors, seed=seed, told_apart=told_apart)
        except LayerError as problem:
            if len(layers) == 1:
                raise
            uncovered.append(problem)
            screen.say(f"not covered: {problem}")
            continue
        scores.append(found.score)
        _show(screen, found.score, kill_score)
        if output is not None:
            _write(screen, graph, each, found, output if len(layers) == 1 else output / f"{tensor_key(each.name)}.h5")
    screen.result(_content(scores, uncovered))
    return 0 if all(scores) and not uncovered else 1


def _graph(what: str, profile: str | None) -> Graph:
    """One of the sample layers, or a file's graph."""
    if what not in SAMPLES:
        if not Path(what).suffix:
            raise UnknownNameError("layer, and no file", what, SAMPLES)
        return api.load(what, profile=profile)
    if profile is None:
        raise ParameterError("profile", profile, f"a profile's name, whose {what} is meant")
    return sample_layer(what, profile)


def _layers(graph: Graph, name: str) -> list[Layer]:
    computing = [each for each in graph.layers if each.arithmetic]
    chosen = [each for each in computing if name in ("", each.name)]
    if not chosen:
        raise UnknownNameError("integer layer", name or "any", [each.name for each in computing])
    return chosen


def _show(screen: Screen, score: Score, kill_score: bool) -> None:
    killable = score.mutations - len(score.proved)
    screen.say(f"{score.layer} ({score.op}): {score.vectors} vectors kill {score.killed} of {killable} mutations")
    if not kill_score:
        return
    rows = [
        ("generated", f"{score.vectors}", f"{score.killed}", f"{score.percent:.1f}%"),
        ("random", f"{score.vectors}", f"{score.random}", f"{score.random_percent:.1f}%"),
    ]
    screen.table("", ("", "vectors", "killed", "of those that differ"), rows)
    proofs: dict[str, list[str]] = {}
    for each in score.proved:
        proofs.setdefault(each.how, []).append(each.words)
    for how, words in proofs.items():
        screen.say(f"{len(words)} proved to be the right arithmetic here, {how}:")
        for said in words:
            screen.say(f"  {said}")
    for each in score.survivors:
        screen.say(f"survives: {each.words}")
    screen.say()


def _write(screen: Screen, graph: Graph, layer: Layer, found: Generated, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    api.record(one_layer(graph, layer), found.inputs, path)
    screen.say(f"wrote {path}: {found.score.vectors} samples")


def _content(scores: Sequence[Score], uncovered: Sequence[LayerError]) -> dict[str, Any]:
    return {
        "complete": all(scores) and not uncovered,
        "layers": [score.as_dict() for score in scores],
        "not_covered": [{"layer": each.layer, "reason": each.reason} for each in uncovered],
    }
