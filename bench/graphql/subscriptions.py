"""What a message to one of many subscribers costs, beside Node's graphql-ws.

Each server in turn has N sockets with the same subscription. Events are triggered R times a
second: ours by a row in the outbox and its notification, as the product's workers do it, Node's
in its own memory. The n-th message of a socket is about the n-th event, so a latency is the time
from before the trigger to the arrival. The server has core 0; all else has core 1.

Exits with 1 when a goal is missed.
"""

import argparse
import asyncio
import gc
import http.client
import json
import resource
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

import dataset
import install
import psycopg
import uvloop
from dataset import Dataset
from load import cpu_s
from servers import (
    KINDS,
    LOAD_CORE,
    OURS,
    Kind,
    Memory,
    Server,
    ServerFailed,
    end_in_order,
    pin,
    running,
)
from sockets import Arrivals, open_sockets

from db import events
from db.session import Database
from domain.events import EventType, NewEvent

DOCUMENT = """
subscription {
    playSetReady {
        id cursor type occurredAt
        playSet { id status resolution width height bandwidth }
        video { id title status }
    }
}
"""
NODE = Kind("node graphql-ws", "ws.mjs")
RATIO_GOAL = 0.6
P99_GOAL_S = 0.15
WARM_UP_S = 3
PATIENCE_S = 60
"""How long messages may be under way when the last event was triggered."""

Trigger = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Round:
    messages: int
    cpu_s: float
    p50_s: float
    p99_s: float
    memory: Memory

    @property
    def per_message_s(self) -> float:
        return self.cpu_s / self.messages


async def measure(
    server: Server, data: Dataset, trigger: Trigger, options: argparse.Namespace
) -> Round:
    """One server's turn; raises `ServerFailed` when messages are lost."""
    arrivals = Arrivals()
    opened = await open_sockets(
        options.sockets,
        server.port,
        data.api_key,
        DOCUMENT,
        same_ids=options.same_ids,
        arrivals=arrivals,
    )
    gc.collect()
    gc.freeze()
    rate, sockets = options.rate, len(opened)
    await _send(server, trigger, arrivals, rate=rate, seconds=WARM_UP_S, sockets=sockets)
    arrivals.forget()
    before = cpu_s(server.pid)
    await _send(server, trigger, arrivals, rate=rate, seconds=options.seconds, sockets=sockets)
    spent = cpu_s(server.pid) - before
    memory = server.memory()
    for one in opened:
        one.close()
    latencies = sorted(arrivals.latencies)
    p50_s, p99_s = (latencies[int(len(latencies) * part)] for part in (0.5, 0.99))
    return Round(len(latencies), spent, p50_s, p99_s, memory)


async def _send(
    server: Server,
    trigger: Trigger,
    arrivals: Arrivals,
    *,
    rate: float,
    seconds: float,
    sockets: int,
) -> None:
    """Trigger events for so long, and wait until every socket has a message about each."""
    start, count = time.perf_counter(), round(rate * seconds)
    for number in range(count):
        await asyncio.sleep(max(0, start + number / rate - time.perf_counter()))
        arrivals.triggered.append(time.perf_counter())
        await trigger()
    await _arrived(server, arrivals, count * sockets)


async def _arrived(server: Server, arrivals: Arrivals, expected: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while len(arrivals.latencies) < expected:
        if arrivals.failure:
            raise ServerFailed(f"{server.kind.name}: {arrivals.failure}")
        if time.monotonic() > deadline:
            raise ServerFailed(
                f"{server.kind.name}: {len(arrivals.latencies):,} of {expected:,} messages came"
            )
        await asyncio.sleep(0.05)


def outbox(db: Database, data: Dataset) -> Trigger:
    """Records that a play set became ready, as a worker does."""
    video_id, play_set_id = _subject(data)

    async def trigger() -> None:
        event = NewEvent(
            EventType.PLAY_SET_READY, data.account_id, video_id=video_id, play_set_id=play_set_id
        )
        async with db.write() as session:
            await events.record(session, event)

    return trigger


def _subject(data: Dataset) -> tuple[UUID, UUID]:
    with psycopg.connect(data.url) as connection:
        rows = connection.execute("select video_id, id from play_set limit 1").fetchall()
    return rows[0][0], rows[0][1]


def emitter(server: Server) -> Trigger:
    connection = http.client.HTTPConnection("127.0.0.1", server.port)

    async def trigger() -> None:
        await asyncio.to_thread(_post, connection)

    return trigger


def _post(connection: http.client.HTTPConnection) -> None:
    connection.request("POST", "/emit")
    connection.getresponse().read()


async def rounds(data: Dataset, home: Path, options: argparse.Namespace) -> dict[str, list[Round]]:
    ours = next(kind for kind in KINDS if kind.name == OURS)
    kinds = [kind for kind in (ours, NODE) if options.only in (None, kind.name)]
    found: dict[str, list[Round]] = {kind.name: [] for kind in kinds}
    db = Database(data.url)
    try:
        for number in range(options.rounds):
            for kind in kinds:
                with running([kind], data, home, extension=False) as (server,):
                    trigger = outbox(db, data) if kind is ours else emitter(server)
                    one = await measure(server, data, trigger, options)
                found[kind.name].append(one)
                print(f"round {number + 1}, {_row(kind.name, [one])}", file=sys.stderr, flush=True)
    finally:
        await db.close()
    return found


def _row(name: str, found: list[Round]) -> str:
    def median(value: Callable[[Round], float]) -> float:
        return statistics.median(map(value, found))

    return (
        f"| {name} | {median(lambda one: one.per_message_s) * 1e6:.1f}"
        f" | {median(lambda one: one.p50_s) * 1e3:.0f} / {median(lambda one: one.p99_s) * 1e3:.0f}"
        f" | {median(lambda one: one.memory.rss) / 1e6:.0f}"
        f" / {median(lambda one: one.memory.pss) / 1e6:.0f} |"
    )


def _missed(found: dict[str, list[Round]]) -> list[str]:
    """The goals that ours does not reach, each as a sentence."""
    if OURS not in found:
        return []
    missed: list[str] = []
    p99_s = statistics.median(one.p99_s for one in found[OURS])
    if p99_s > P99_GOAL_S:
        missed.append(f"p99 is {p99_s * 1e3:.0f} ms, the goal is {P99_GOAL_S * 1e3:.0f} ms")
    if NODE.name in found:
        ours, node = (
            statistics.median(one.per_message_s for one in found[name])
            for name in (OURS, NODE.name)
        )
        print(f"| **{OURS} / {NODE.name}** | {ours / node:.2f} | | |")
        if ours / node > RATIO_GOAL:
            missed.append(f"{ours / node:.2f} times {NODE.name}, the goal is {RATIO_GOAL}")
    return missed


def main() -> None:
    options = _options()
    pin(LOAD_CORE)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    end_in_order()
    install.peers()
    try:
        with (
            dataset.folder() as home,
            dataset.serve(home) as data,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            found = runner.run(rounds(data, home, options))
    except ServerFailed as failure:
        sys.exit(str(failure))
    print(f"{options.sockets:,} sockets, {options.rate:g} events/s for {options.seconds:g} s")
    print("| | CPU per message, µs | p50 / p99, ms | RSS / PSS, MB |\n| --- | ---: | ---: | ---: |")
    for name, all_ in found.items():
        print(_row(name, all_))
    missed = _missed(found)
    if options.output:
        results = {name: [asdict(one) for one in all_] for name, all_ in found.items()}
        options.output.write_text(json.dumps({"rounds": results, "missed": missed}, indent=2))
    if missed:
        sys.exit("Missed:\n" + "\n".join(f"- {one}" for one in missed))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare our subscriptions with graphql-ws.")
    parser.add_argument("--sockets", type=int, default=5_000, help="subscribers of each server")
    parser.add_argument("--rate", type=float, default=4, help="events in a second")
    parser.add_argument("--seconds", type=float, default=10, help="how long events are triggered")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each server")
    parser.add_argument("--only", choices=[OURS, NODE.name], help="one server alone")
    parser.add_argument("--same-ids", action="store_true", help="all operations are called 1")
    parser.add_argument("--output", type=Path, help="where the results go as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
