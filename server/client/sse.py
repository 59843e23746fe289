"""Reading server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html."""

from collections.abc import AsyncGenerator, AsyncIterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class ServerEvent:
    """One event: its type and its data. Ids and retry times are not kept."""

    type: str = ""
    lines: list[str] = field(default_factory=list[str])

    @property
    def data(self) -> str:
        return "\n".join(self.lines)

    def read(self, line: str) -> None:
        """Take one line that is not empty. A comment, which starts with a colon, has no name."""
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self.type = value
        elif name == "data":
            self.lines.append(value)


async def events(chunks: AsyncIterable[bytes]) -> AsyncGenerator[ServerEvent]:
    """Each whole event of the stream; one that is cut off at its end is dropped.

    Lines end with LF or CRLF only: Unicode's other line ends may stand inside of JSON.
    """
    event = ServerEvent()
    async for line in _lines(chunks):
        if line:
            event.read(line)
        elif event.type or event.lines:
            yield event
            event = ServerEvent()


async def _lines(chunks: AsyncIterable[bytes]) -> AsyncGenerator[str]:
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.removesuffix(b"\r").decode()
