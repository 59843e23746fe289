"""What was measured, as a table, as JSON, and beside the goals."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from load import Measure
from servers import LIMIT, NAIVE, NODE_JIT, OURS, Memory


@dataclass(frozen=True, slots=True)
class Goal:
    """How many times the requests per core-second of the best of `others` ours must reach."""

    others: Sequence[str]
    at_least: Mapping[str, float]

    @property
    def title(self) -> str:
        return "the best Node peer with JIT" if len(self.others) > 1 else self.others[0]


GOALS = (
    Goal(NODE_JIT, {"W1": 3, "W2": 1, "W3": 3, "W4": 1, "W5": 3}),
    Goal([LIMIT], {"W1": 0.8, "W2": 0.8, "W3": 0.8, "W4": 0.8}),
    Goal([NAIVE], {"W1": 20}),
)


@dataclass(slots=True)
class Report:
    """Measures of each server and workload, one for each round."""

    workloads: Sequence[str]
    measures: dict[str, dict[str, list[Measure]]] = field(
        default_factory=dict[str, dict[str, list[Measure]]]
    )
    memory: dict[str, Memory] = field(default_factory=dict[str, Memory])

    def add(self, server: str, workload: str, measure: Measure) -> None:
        self.measures.setdefault(server, {}).setdefault(workload, []).append(measure)

    def median(self, server: str, workload: str) -> float | None:
        """Requests per core-second."""
        found = self.measures.get(server, {}).get(workload)
        return statistics.median(one.per_core_second for one in found) if found else None

    def ratio(self, goal: Goal, workload: str) -> float | None:
        """Ours by the best of the others; None when either was not measured."""
        ours = self.median(OURS, workload)
        others = [self.median(name, workload) for name in goal.others]
        best = max((one for one in others if one is not None), default=None)
        return ours / best if ours and best else None

    def missed(self) -> list[str]:
        """The goals that ours does not reach, each as a sentence."""
        return [
            f"{workload}: {ratio:.2f} times {goal.title}, the goal is {at_least:g}"
            for goal in GOALS
            for workload, at_least in goal.at_least.items()
            if (ratio := self.ratio(goal, workload)) is not None and ratio < at_least
        ]

    def table(self) -> str:
        lines = [
            _line(["requests per core-second", *self.workloads, "RSS / PSS, MB"]),
            _line(["---", *("---:" for _ in self.workloads), "---:"]),
        ]
        for server in self.measures:
            figures = [_figure(self.median(server, name), ",.0f") for name in self.workloads]
            lines.append(_line([server, *figures, _megabytes(self.memory.get(server))]))
        for goal in GOALS:
            ratios = [self.ratio(goal, name) for name in self.workloads]
            if any(ratios):
                figures = [_figure(ratio, ".2f") for ratio in ratios]
                lines.append(_line([f"**{OURS} / {goal.title}**", *figures, ""]))
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        return {
            "requests_per_core_second": {
                server: {name: self.median(server, name) for name in found}
                for server, found in self.measures.items()
            },
            "measures": {
                server: {name: [asdict(one) for one in all_] for name, all_ in found.items()}
                for server, found in self.measures.items()
            },
            "memory": {server: asdict(one) for server, one in self.memory.items()},
            "ratios": {
                goal.title: {name: self.ratio(goal, name) for name in self.workloads}
                for goal in GOALS
            },
            "missed": self.missed(),
        }


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _figure(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _megabytes(memory: Memory | None) -> str:
    return "-" if memory is None else f"{memory.rss / 1e6:.0f} / {memory.pss / 1e6:.0f}"
