"""What the servers are asked to do, and what of it is measured."""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol, TypeVar

import processes
from ballast import Ballast
from client import Connection
from files import MIB, PART, Noise, Part, Upload
from ours import Reelgraph
from report import Turn

CONNECTIONS = 4
MEMORY_CONNECTIONS = 16

Work = TypeVar("Work")


class Measured(Protocol):
    name: str
    port: int

    def cpu_s(self) -> float: ...
    def database_cpu_s(self) -> float: ...
    def clear(self) -> None:
        """Drop what it stored, between turns."""
        ...


class TakesParts(Measured, Protocol):
    def put_targets(self, connection: Connection, upload: Upload) -> list[str]:
        """The path of each part."""
        ...


class TakesWhole(Measured, Protocol):
    def upload(self, connection: Connection, upload: Upload) -> None: ...


def parts(server: TakesParts, noise: Noise) -> Turn:
    """PUT all parts of one upload over several connections."""
    upload = noise.next()
    with Connection(server.port) as connection:
        paths = server.put_targets(connection, upload)
    work = list(zip(upload.parts, paths, strict=True))
    return _measured(
        server, upload.size, lambda ballast: put_all(server.port, work, CONNECTIONS, ballast)
    )


def whole(server: TakesWhole, noise: Noise, count: int) -> Turn:
    """Several uploads at once, each over one connection, part after part."""
    uploads = [noise.next() for _ in range(count)]

    def send(ballast: Ballast, upload: Upload) -> None:
        with Connection(server.port, ballast) as connection:
            server.upload(connection, upload)

    size = sum(one.size for one in uploads)
    return _measured(server, size, lambda ballast: _at_once(partial(send, ballast), uploads, count))


def put_all(
    port: int, work: Iterable[tuple[Part, str]], connections: int, ballast: Ballast | None = None
) -> None:
    """PUT parts with their checksums; each connection takes the next one that is left."""
    left = iter(list(work))

    def send(connection: Connection) -> None:
        with connection:
            for part, path in left:
                headers = {"x-amz-checksum-sha256": part.checksum}
                connection.ask("PUT", path, headers, part.body)

    _at_once(send, [Connection(port, ballast) for _ in range(connections)], connections)


def memory(server: Reelgraph, descriptor: int, body_size: int) -> tuple[int, dict[str, int]]:
    """Resident bytes of the idle server, and how far each load lifted them at its peak.

    Idle is before the first request. The peak is the kernel's own; nothing is sampled.
    """
    idle, _ = processes.resident(server.pid)
    loads = {
        "16 parallel parts of 8 MiB": Noise(descriptor, MEMORY_CONNECTIONS * PART, PART),
        f"one body of {body_size // MIB} MiB": Noise(descriptor, body_size, body_size),
    }
    taken: dict[str, int] = {}
    for name, noise in loads.items():
        upload = noise.next()
        processes.reset_peak(server.pid)
        with Connection(server.port) as connection:
            paths = server.put_targets(connection, upload)
        work = zip(upload.parts, paths, strict=True)
        put_all(server.port, work, min(MEMORY_CONNECTIONS, len(paths)))
        taken[name] = processes.resident(server.pid)[1] - idle
        server.clear()
    return idle, taken


def _measured(server: Measured, size: int, work: Callable[[Ballast], None]) -> Turn:
    ballast = Ballast(size)
    cpu, database = server.cpu_s(), server.database_cpu_s()
    start = time.perf_counter()
    work(ballast)
    wall_s = time.perf_counter() - start
    turn = Turn(size, wall_s, server.cpu_s() - cpu, server.database_cpu_s() - database)
    ballast.close()
    server.clear()
    return turn


def _at_once(do: Callable[[Work], None], all_: Sequence[Work], threads: int) -> None:
    """Raises what the first that failed raised."""
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(do, all_):
            pass
