"""The load: a process of its own that asks over kept connections, each for the next at once.

It reads one job per line from its input and answers each with one line, both as JSON. Requests
are prepared bytes and responses are only measured out, so that it needs little of its core.
"""

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import uvloop
from typing_extensions import override

HEAD_END = b"\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Job:
    port: int
    pid: int
    """Whose CPU time is counted."""
    requests: list[str]
    """Sent in turn, each as it stands here."""
    connections: int
    warm_up_s: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Measure:
    requests: int
    cpu_s: float
    wall_s: float

    @property
    def per_core_second(self) -> float:
        return self.requests / self.cpu_s


class Load:
    """The process, kept for as many jobs as there are."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, job: Job) -> Measure:
        jobs, answers = self._process.stdin, self._process.stdout
        if jobs is None or answers is None:
            raise RuntimeError("the load has ended")
        jobs.write(json.dumps(asdict(job)) + "\n")
        jobs.flush()
        answer = answers.readline()
        if not answer:
            raise RuntimeError("the load ended; what it said is above")
        return Measure(**json.loads(answer))

    def close(self) -> None:
        self._process.communicate()


def cpu_s(pid: int) -> float:
    """CPU seconds of all threads that a process has, by the scheduler's own count."""
    spent = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        spent += int((thread / "schedstat").read_text().split()[0])
    return spent / 1e9


class Phase:
    """A time in which requests are sent; over when the last one is answered."""

    def __init__(self, requests: list[bytes], seconds: float) -> None:
        self._requests = requests
        self._until = time.perf_counter() + seconds
        self._lengths: dict[int, int] = {}
        self.sent = 0

    def next(self) -> int | None:
        """Place of the next request; None when it is time to stop."""
        if time.perf_counter() > self._until:
            return None
        self.sent += 1
        return self.sent % len(self._requests)

    def bytes_of(self, place: int) -> bytes:
        return self._requests[place]

    def check(self, place: int, status: bytes, body: bytes | None, length: int) -> None:
        """Raise unless the response is a success as long as the request's first one."""
        known = self._lengths.setdefault(place, length)
        if status != b"200" or length != known or (body is not None and b'"errors":' in body):
            raise ValueError(f"bad response, status {status!r}, {length} bytes: {body!r:.500}")

    def is_new(self, place: int) -> bool:
        return place not in self._lengths


class Connection(asyncio.Protocol):
    """One kept connection with one request under way."""

    _transport: asyncio.WriteTransport
    _phase: Phase
    _place = 0

    def __init__(self) -> None:
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._start()

    def run(self, phase: Phase) -> "asyncio.Future[None]":
        self._phase = phase
        self._done = asyncio.get_running_loop().create_future()
        self._send()
        return self._done

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(exc or ConnectionError("the server closed a connection"))

    @override
    def data_received(self, data: bytes) -> None:
        self._parts.append(data)
        self._received += len(data)
        if self._length is None and not self._read_head():
            return
        if self._length == self._received or (
            self._length == 0 and b"".join(self._parts[-3:]).endswith(LAST_CHUNK)
        ):
            self._finish()

    def close(self) -> None:
        self._transport.close()

    def _start(self) -> None:
        self._parts: list[bytes] = []
        self._received = 0
        self._status = b""
        self._length: int | None = None
        """Bytes of head and body; 0 when it comes in chunks; None before the head is read."""

    def _read_head(self) -> bool:
        head, end, body = b"".join(self._parts).partition(HEAD_END)
        if not end:
            return False
        self._status = head[9:12]
        self._parts = [body]
        _, found, length = head.lower().partition(b"\r\ncontent-length:")
        self._length = len(head) + len(end) + int(length.split(b"\r\n")[0]) if found else 0
        return True

    def _finish(self) -> None:
        try:
            body = b"".join(self._parts) if self._phase.is_new(self._place) else None
            length = sum(map(len, self._parts))
            self._phase.check(self._place, self._status, body, length)
        except ValueError as failure:
            self._done.set_exception(failure)
            return
        self._start()
        self._send()

    def _send(self) -> None:
        place = self._phase.next()
        if place is None:
            self._done.set_result(None)
            return
        self._place = place
        self._transport.write(self._phase.bytes_of(place))


async def _measure(job: Job) -> Measure:
    loop = asyncio.get_running_loop()
    opened = [
        (await loop.create_connection(Connection, "127.0.0.1", job.port))[1]
        for _ in range(job.connections)
    ]
    requests = [request.encode() for request in job.requests]
    try:
        await _phase(opened, requests, job.warm_up_s)
        cpu, wall = cpu_s(job.pid), time.perf_counter()
        sent = await _phase(opened, requests, job.seconds)
        return Measure(sent, cpu_s(job.pid) - cpu, time.perf_counter() - wall)
    finally:
        for one in opened:
            one.close()


async def _phase(opened: list[Connection], requests: list[bytes], seconds: float) -> int:
    phase = Phase(requests, seconds)
    await asyncio.gather(*(one.run(phase) for one in opened))
    return phase.sent


def main() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for line in sys.stdin:
            measure = runner.run(_measure(Job(**json.loads(line))))
            print(json.dumps(asdict(measure)), flush=True)


if __name__ == "__main__":
    main()
