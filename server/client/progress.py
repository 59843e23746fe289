"""Showing how far an upload is: bars on a terminal, lines everywhere else."""

from types import TracebackType
from typing import Protocol, Self, TextIO

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text


class Display(Protocol):
    """Rows of one file, each for one thing that goes on. Used as a context."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def show(self, row: str, status: str, *, done: float, total: float = 1.0) -> None:
        """The row is in this state, with so much of it done; a total above 1 is in bytes."""
        ...

    def note(self, text: str) -> None:
        """Say something once."""
        ...


def display(file: str, stream: TextIO) -> Display:
    """The way to show the upload of `file` that fits the stream."""
    if stream.isatty():
        return Bars(file, Console(file=stream))
    return Lines(file, stream)


class Lines:
    """One line per change of a state, for logs."""

    def __init__(self, file: str, stream: TextIO) -> None:
        self._file = file
        self._stream = stream
        self._shown: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def show(self, row: str, status: str, *, done: float, total: float = 1.0) -> None:
        if self._shown.get(row) != status:
            self._shown[row] = status
            self.note(f"{row} {status}")

    def note(self, text: str) -> None:
        print(f"{self._file}: {text}", file=self._stream, flush=True)


class Bars:
    """A bar per row, redrawn in place."""

    def __init__(self, file: str, console: Console) -> None:
        self._file = file
        self._rows: dict[str, TaskID] = {}
        self._progress = Progress(
            TextColumn("  {task.description:<7}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            _Detail(),
            console=console,
        )

    def __enter__(self) -> Self:
        self.note(self._file)
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def show(self, row: str, status: str, *, done: float, total: float = 1.0) -> None:
        if row not in self._rows:
            self._rows[row] = self._progress.add_task(row, total=total, status=status)
        self._progress.update(self._rows[row], completed=done, total=total, status=status)

    def note(self, text: str) -> None:
        self._progress.console.print(Text(text))


class _Detail(ProgressColumn):
    """The row's state, and for rows in bytes their number and speed."""

    def render(self, task: Task) -> Text:
        words = [str(task.fields["status"])]
        if task.total is not None and task.total > 1:
            words.append(f"{decimal(int(task.completed))} of {decimal(int(task.total))}")
            if task.speed and not task.finished:
                words.append(f"{decimal(int(task.speed))}/s")
        return Text("  ".join(words))
