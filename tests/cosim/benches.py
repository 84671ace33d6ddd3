"""What the benches of this folder share: a long run or a search for a bug, and what came of it as a file."""

import json
import os
import random
from pathlib import Path

from hypothesis import strategies as st

from int8sim import cosim

# Plainer than int8sim.strategies, whose import would cost each of sixteen simulator processes most of a second.
INT32 = st.integers(-(1 << 31), (1 << 31) - 1)
PATTERNS = st.integers(0, (1 << 32) - 1)


async def found(bench, transactions):
    """As many transactions as the environment says, or examples until one fails; found.json tells."""
    await bench.start()
    report = None
    try:
        if count := int(os.environ.get("TRANSACTIONS", "0")):
            report = await bench.run(await many(transactions, count), stalls=[n % 3 == 0 for n in range(count)])
        else:
            await bench.fuzz(transactions)
    except cosim.MismatchError as mismatch:
        report = mismatch.report
        raise
    finally:
        if report is not None:
            Path("found.json").write_text(json.dumps({**report.as_dict(), "lines": report.lines()}))


async def many(transactions, count):
    """Drawn by Hypothesis a hundred at a time would be slow: a hundred drawn ones, their entries mixed."""
    pool = []

    async def collect(transaction):
        pool.append(transaction)

    await cosim.fuzz(collect, transactions, using=cosim.settings(100))
    rng = random.Random(7)
    return [{name: rng.choice(pool)[name] for name in pool[0]} for _ in range(count)]
