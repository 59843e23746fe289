"""What was measured, as tables, as JSON, and beside the goals."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

GB = 1e9
MIB = 1 << 20
MEMORY_LIMIT = 64 * MIB
OURS = "reelgraph"


@dataclass(frozen=True, slots=True)
class Turn:
    """One server's share of a round."""

    size: int
    wall_s: float
    cpu_s: float
    database_cpu_s: float

    @property
    def cpu_per_gb(self) -> float:
        return self.cpu_s / (self.size / GB)

    @property
    def database_per_gb(self) -> float:
        """CPU of PostgreSQL."""
        return self.database_cpu_s / (self.size / GB)

    @property
    def megabytes_per_second(self) -> float:
        return self.size / self.wall_s / 1e6


FIGURES = ("cpu_per_gb", "database_per_gb", "megabytes_per_second")


@dataclass(frozen=True, slots=True)
class Goal:
    """How ours shall stand to another server by one figure."""

    scenario: str
    figure: str
    other: str
    at_most: float | None = None
    at_least: float | None = None

    def is_met(self, ratio: float) -> bool:
        if self.at_most is not None and ratio > self.at_most:
            return False
        return self.at_least is None or ratio >= self.at_least

    @property
    def title(self) -> str:
        return f"{self.scenario}, {self.figure.replace('_', ' ')}, {OURS} / {self.other}"

    @property
    def wish(self) -> str:
        return f"at most {self.at_most}" if self.at_most else f"at least {self.at_least}"


GOALS = (
    Goal("parts", "cpu_per_gb", "nginx", at_most=2.2),
    Goal("whole", "cpu_per_gb", "@tus/server", at_most=1.15),
    Goal("whole", "megabytes_per_second", "tuspyserver", at_least=2.5),
)


@dataclass(slots=True)
class Report:
    """Turns of each scenario and server, one for each round, and memory in bytes above idle."""

    turns: dict[str, dict[str, list[Turn]]] = field(
        default_factory=dict[str, dict[str, list[Turn]]]
    )
    memory: dict[str, int] = field(default_factory=dict[str, int])
    idle: int = 0

    def add(self, scenario: str, server: str, turn: Turn) -> None:
        self.turns.setdefault(scenario, {}).setdefault(server, []).append(turn)

    def median(self, scenario: str, server: str, figure: str) -> float | None:
        found = self.turns.get(scenario, {}).get(server)
        return statistics.median(getattr(one, figure) for one in found) if found else None

    def ratio(self, goal: Goal) -> float | None:
        """Of the medians; None when either was not measured."""
        ours = self.median(goal.scenario, OURS, goal.figure)
        other = self.median(goal.scenario, goal.other, goal.figure)
        return ours / other if ours and other else None

    def missed(self) -> list[str]:
        """The goals that ours does not reach, each as a sentence."""
        ratios = [(goal, ratio) for goal in GOALS if (ratio := self.ratio(goal)) is not None]
        return [
            *(
                f"{goal.title}: {ratio:.2f}, the goal is {goal.wish}"
                for goal, ratio in ratios
                if not goal.is_met(ratio)
            ),
            *(
                f"memory during {name}: {taken / MIB:.0f} MiB above idle,"
                f" the goal is at most {MEMORY_LIMIT // MIB}"
                for name, taken in self.memory.items()
                if taken > MEMORY_LIMIT
            ),
        ]

    def text(self) -> str:
        lines = [line for scenario in self.turns for line in self._table(scenario)]
        for goal in GOALS:
            ratio = self.ratio(goal)
            found = "not measured" if ratio is None else f"{ratio:.2f}"
            lines.append(f"{goal.title}: {found} (goal: {goal.wish})")
        for name, taken in self.memory.items():
            lines.append(
                f"memory during {name}: {taken / MIB:.1f} MiB above {self.idle / MIB:.0f} idle"
                f" (goal: at most {MEMORY_LIMIT // MIB})"
            )
        return "\n".join(lines)

    def _table(self, scenario: str) -> list[str]:
        servers = self.turns[scenario]
        return [
            _line([scenario, "CPU s/GB", "PostgreSQL", "MB/s"]),
            _line(["---", "---:", "---:", "---:"]),
            *(_line([name, *self._cells(scenario, name)]) for name in servers),
            "",
        ]

    def _cells(self, scenario: str, server: str) -> list[str]:
        *cpu, speed = (self.median(scenario, server, figure) or 0 for figure in FIGURES)
        return [*(f"{seconds:.3f}" for seconds in cpu), f"{speed:,.0f}"]

    def to_json(self, conditions: Mapping[str, object]) -> dict[str, Any]:
        return {
            "conditions": dict(conditions),
            "medians": {
                scenario: {
                    name: {figure: self.median(scenario, name, figure) for figure in FIGURES}
                    for name in servers
                }
                for scenario, servers in self.turns.items()
            },
            "ratios": {goal.title: self.ratio(goal) for goal in GOALS},
            "memory_above_idle": self.memory,
            "memory_idle": self.idle,
            "turns": {
                scenario: {name: [asdict(one) for one in turns] for name, turns in servers.items()}
                for scenario, servers in self.turns.items()
            },
            "missed": self.missed(),
        }


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
