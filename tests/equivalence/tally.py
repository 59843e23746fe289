"""Counts what the questions of a test were like, so that an idle test cannot pass."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.equivalence.documents import Question
from tests.equivalence.modes import Answer

REPORTS: list[str] = []
"""Lines for the end of the run."""

RICH: Final = 300
"""Bytes of a response that says something."""

_FEATURES = {
    "fragments": "fragment F",
    "conditions": "... on ",
    "aliases": ": ",
    "directives": " @",
    "arguments": "(",
    "variables": "query(",
}


@dataclass
class Tally:
    name: str
    counts: Counter[str] = field(default_factory=Counter[str])
    bytes: int = 0
    """Of all responses together."""

    def add(self, question: Question, answers: Mapping[str, Answer]) -> None:
        first = next(iter(answers.values()))
        outcome = "refused" if first.refused else "failed" if first.failed else "succeeded"
        self.counts.update(["all", outcome, f"as {question.caller}"])
        self.counts.update(name for name, mark in _FEATURES.items() if mark in question.document)
        self.counts.update(f"by {mode}" for mode, one in answers.items() if one.mode == mode)
        self.counts["rich"] += len(first.body) > RICH
        self.counts["by timing"] += len({one.body for one in answers.values()}) > 1
        self.bytes += len(first.body)

    def share(self, what: str) -> float:
        return self.counts[what] / max(1, self.counts["all"])

    def report(self, seconds: float) -> str:
        total = self.counts["all"]
        shares = ", ".join(
            f"{what} {self.share(what):.0%}" for what in sorted(self.counts) if what != "all"
        )
        speed = f"{total} questions, {total / seconds:.0f}/s, {self.bytes // max(1, total)} bytes"
        return f"{self.name}: {speed}: {shares}"

    def require(self, least: Mapping[str, float]) -> None:
        """Fail unless each of these has its share of the questions."""
        poor = {what: self.share(what) for what, share in least.items() if self.share(what) < share}
        assert not poor, f"{self.name}: too few of {poor}, expected {dict(least)}"
