"""Showing how far an upload is: bars on a terminal, lines everywhere else."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol, TextIO

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text
from typing_extensions import override


class Display(Protocol):
    """Rows about one file, each for one thing that goes on."""

    def show(self, row: str, status: str, *, done: float, total: float = 1.0) -> None:
        """The row is in this state, with so much of it done; a total above 1 is in bytes."""
        ...

    def note(self, text: str) -> None:
        """Say something once."""
        ...


@contextmanager
def display(file: str, stream: TextIO) -> Generator[Display]:
    """What fits the stream, for the upload of `file`."""
    if not stream.isatty():
        yield Lines(file, stream)
        return
    with Progress(
        TextColumn("  {task.description:<7}"),
        BarColumn(bar_width=30),
        TextColumn("{task.percentage:>3.0f} %"),
        _Detail(),
        console=Console(file=stream),
    ) as progress:
        bars = Bars(progress)
        bars.note(file)
        yield bars


class Lines:
    """One line per change of a state, for logs."""

    def __init__(self, file: str, stream: TextIO) -> None:
        self._file = file
        self._stream = stream
        self._shown: dict[str, str] = {}

    def show(self, row: str, status: str, *, done: float, total: float = 1.0) -> None:
        del done, total
        if self._shown.get(row) != status:
            self._shown[row] = status
            self.note(f"{row} {status}")

    def note(self, text: str) -> None:
        print(f"{self._file}: {text}", file=self._stream, flush=True)


class Bars:
    """A bar per row, redrawn in place."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._rows: dict[str, TaskID] = {}

    def show(self, row: str, status: str, *, done: float, total: float = 1.0) -> None:
        if row not in self._rows:
            self._rows[row] = self._progress.add_task(row, total=total, status=status)
        self._progress.update(self._rows[row], completed=done, total=total, status=status)

    def note(self, text: str) -> None:
        self._progress.console.print(Text(text))


class _Detail(ProgressColumn):
    """The number and speed of bytes, or the row's state."""

    @override
    def render(self, task: Task) -> Text:
        if task.total is None or task.total <= 1:
            return Text(str(task.fields["status"]))
        size = f"{decimal(int(task.completed))} of {decimal(int(task.total))}"
        if task.finished or not task.speed:
            return Text(size)
        return Text(f"{size}  {decimal(int(task.speed))}/s")
