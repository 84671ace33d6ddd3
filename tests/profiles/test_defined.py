"""Where a helper's hardware leaves something undefined, so does every step that is made of it: both say so."""

import importlib

import pytest

from int8sim.profiles.registry import profiles


def reached(function, seen=None):
    """The spec functions that a function calls, transitively."""
    seen = {} if seen is None else seen
    for name in function.__code__.co_names:
        callee = function.__globals__.get(name)
        known = getattr(callee, "__module__", "").startswith("int8sim.spec") and hasattr(callee, "__code__")
        if known and callee not in seen:
            seen[callee] = True
            reached(callee, seen)
    return list(seen)


def predicate(function):
    return getattr(importlib.import_module(function.__module__), f"{function.__name__}_is_defined", None)


SAFE = {
    "convolution_output": "CACC truncates by 0, and SDP's PReLU is off",
    "convolution_output_per_channel": "the same",
    "add": "SDP's PReLU is off",
}
STEPS = {f for profile in profiles().values() for scheme in profile.schemes.values() for f in scheme.functions.values()}


@pytest.mark.parametrize("function", sorted(STEPS, key=lambda f: (f.__module__, f.__name__)), ids=lambda f: f.__name__)
def test_a_step_says_where_it_is_undefined(function):
    without = [helper.__name__ for helper in reached(function) if predicate(helper)]
    assert predicate(function) or not without or function.__name__ in SAFE, f"{function.__name__} calls {without}"
