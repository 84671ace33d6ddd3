"""What Hypothesis loads when it is imported (entry point group `hypothesis`): `st.from_type` for int8sim's types.

Projects that never use int8sim load this too, so it imports nothing but the standard library and Hypothesis; the
strategies are made when a test first asks for one. Types whose modules import NumPy (Step, Profile, Graph) are
registered by `import int8sim.strategies`.
"""

from __future__ import annotations

from importlib import import_module

from hypothesis import strategies as st

from int8sim.model.tensor import QuantParams, TensorType

STRATEGIES = {QuantParams: "quant_params", TensorType: "tensor_types"}
"""Type -> name in int8sim.strategies."""


def register() -> None:
    """Register every type of STRATEGIES."""
    for kind in STRATEGIES:
        st.register_type_strategy(kind, _strategy)


def _strategy(kind: type[object]) -> st.SearchStrategy[object]:
    made: st.SearchStrategy[object] = getattr(import_module("int8sim.strategies"), STRATEGIES[kind])()
    return made
