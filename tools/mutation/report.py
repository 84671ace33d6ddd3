"""What became of every mutant: a line a module, survivors by their keys, proofs that no longer hold."""

from __future__ import annotations

import sys
import tomllib
from collections import Counter
from pathlib import Path

from mutation.mutants import Module, Mutant
from mutation.runner import EXHAUSTED, SURVIVED

MOST_SURVIVORS = 0.03
KILLED, SURVIVES, EQUIVALENT = "killed", "survived", "equivalent"
STEP = 100  # mutants between two lines of progress


class Report:
    """Outcomes as they come. proofs: a TOML file, a table per module label of mutant = proof. quiet: survivors only."""

    def __init__(self, modules: list[Module], proofs: Path, quiet: bool) -> None:
        self.modules, self.quiet = modules, quiet
        every = tomllib.loads(proofs.read_text("utf-8")) if proofs.exists() else {}
        self.proofs: dict[str, str] = {k: v for module in modules for k, v in every.get(module.label, {}).items()}
        generated = {mutant.key for module in modules for mutant in module.mutants}
        self.stale = [key for key in self.proofs if key not in generated]
        self.outcomes: dict[str, dict[str, str]] = {}

    def tell(self, mutant: Mutant, outcome: str) -> None:
        """One mutant's outcome."""
        proof = outcome if outcome.startswith(EXHAUSTED) else self.proofs.get(mutant.key, "")
        killed = outcome != SURVIVED and not outcome.startswith(EXHAUSTED)
        state = KILLED if killed else EQUIVALENT if proof else SURVIVES
        self.outcomes[mutant.key] = {"module": mutant.module, "outcome": state, "by": outcome if killed else proof}
        if len(self.outcomes) % STEP == 0:
            survivors = sum(each["outcome"] == SURVIVES for each in self.outcomes.values())
            print(f"{len(self.outcomes):,} mutants, {survivors:,} survive", file=sys.stderr, flush=True)

    def refuted(self) -> list[str]:
        """Mutants with a proof that a test kills."""
        return [key for key in self.proofs if self.outcomes.get(key, {}).get("outcome") == KILLED]

    def end(self) -> int:
        """Print everything; the exit status."""
        survivors = [key for key, each in self.outcomes.items() if each["outcome"] == SURVIVES]
        if not self.quiet:
            self._table()
        print("\n".join(survivors))
        for key in self.stale:
            print(f"stale proof, no such mutant: {key}", file=sys.stderr)
        for key in self.refuted():
            print(f"refuted proof, {self.outcomes[key]['by']} kills it: {key}", file=sys.stderr)
        share = len(survivors) / max(len(self.outcomes), 1)
        return 1 if share >= MOST_SURVIVORS or self.stale or self.refuted() else 0

    def _table(self) -> None:
        """A line a module: mutants, killed, survived, equivalent, the share of killed among those not equivalent."""
        print(f"{'module':<22}{'mutants':>9}{'killed':>9}{'survived':>10}{'equivalent':>12}{'killed %':>10}")
        for label, names in [*((module.label, {module.name}) for module in self.modules), ("all", None)]:
            counts = Counter(e["outcome"] for e in self.outcomes.values() if names is None or e["module"] in names)
            if counts:
                judged = counts[KILLED] + counts[SURVIVES]
                share = 100 * counts[KILLED] / judged if judged else 100.0
                numbers = f"{counts[KILLED]:>9,}{counts[SURVIVES]:>10,}{counts[EQUIVALENT]:>12,}{share:>10.2f}"
                print(f"{label:<22}{counts.total():>9,}{numbers}")
