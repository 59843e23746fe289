"""What it costs to take uploads: our server beside nginx, @tus/server and tuspyserver.

Two scenarios: PUT of parts with their SHA-256, and whole uploads until the file is checked. In
each round every server has its turn, since the machine's speed drifts. What counts is CPU time of
the server's processes, by the scheduler, per GB; for tuspyserver the throughput.

Before, memory of our server above idle. Exits with 1 when a goal is missed.
"""

import argparse
import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import peers
import scenarios
from client import Connection
from files import MIB, PART, Noise, noise
from ours import Reelgraph
from peers import Nginx, Peer, Tus
from processes import ServerFailed
from report import Report

from bench.graphql import install

MEMORY_BODY = 1024 * MIB
WARM_UP = 16 * MIB
FILES = 4
"""Whole uploads at once."""

SomePeer = TypeVar("SomePeer", bound=Peer)


@dataclass(frozen=True, slots=True)
class Servers:
    ours: Reelgraph
    nginx: list[Nginx]
    tus: list[Tus]


@contextlib.contextmanager
def running(home: Path) -> Generator[Servers]:
    """All of them, ready; ended with the block."""
    program = peers.nginx_program()
    names = peers.NGINX_BUFFERS if program else ()
    if program is None:
        print("nginx with its DAV module is not installed: its goal is not measured")
    with contextlib.ExitStack() as stack:
        ours = Reelgraph(home)
        stack.callback(ours.stop)
        tus = [_kept(stack, make(home)) for make in (peers.tus_node, peers.tuspyserver)]
        nginx = [_kept(stack, peers.nginx(name, str(program), home)) for name in names]
        for server in (ours, *tus, *nginx):
            server.wait_until_ready()
        yield Servers(ours, nginx, tus)


def _kept(stack: contextlib.ExitStack, server: SomePeer) -> SomePeer:
    stack.callback(server.stop)
    return server


def check(servers: Servers, descriptor: int) -> None:
    """A first upload to each, which warms it up and must be there afterwards."""
    source = Noise(descriptor, WARM_UP, PART)
    upload = source.next()
    for server in (servers.ours, *servers.tus):
        with Connection(server.port) as connection:
            server.upload(connection, upload)
    for server in servers.tus:
        server.check(upload.size, upload.sha256)
        server.clear()
    whole = Noise(descriptor, WARM_UP, WARM_UP).next()
    for server in servers.nginx:
        scenarios.put_all(server.port, [(whole.parts[0], "/1")], 1)
        server.check(whole.size, whole.sha256)
        server.clear()


def measure(
    servers: Servers, descriptor: int, report: Report, *, rounds: int, parts: int, whole: int
) -> None:
    """`parts` and `whole` are the sizes of one upload in each scenario.

    A round before the first warms all up, such as the compiled code of Node, and is dropped.
    """
    of_parts, of_whole = Noise(descriptor, parts, PART), Noise(descriptor, whole, PART)
    for number in range(rounds + 1):
        kept = report if number else Report()
        for server in (servers.ours, *servers.nginx):
            kept.add("parts", server.name, scenarios.parts(server, of_parts))
        for server in (servers.ours, *servers.tus):
            kept.add("whole", server.name, scenarios.whole(server, of_whole, FILES))
        if number:
            print(f"round {number} of {rounds}", file=sys.stderr, flush=True)


def main() -> None:
    options = _options()
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit("ended"))
    install.peers()
    parts, whole = (256 * MIB, 64 * MIB) if options.short else (512 * MIB, 128 * MIB)
    rounds = options.rounds or (3 if options.short else 7)
    conditions = _conditions(parts, whole, rounds)
    print(json.dumps(conditions), flush=True)
    report = Report()
    try:
        with (
            _folder() as home,
            noise(home / "noise", MEMORY_BODY) as descriptor,
            running(home) as servers,
        ):
            report.idle, report.memory = scenarios.memory(servers.ours, descriptor, MEMORY_BODY)
            check(servers, descriptor)
            measure(servers, descriptor, report, rounds=rounds, parts=parts, whole=whole)
    except ServerFailed as failure:
        sys.exit(str(failure))
    print(report.text())
    if options.output:
        content = json.dumps(report.to_json(conditions), indent=2)
        options.output.write_text(content + "\n")
    if missed := report.missed():
        sys.exit("Missed:\n" + "\n".join(f"- {one}" for one in missed))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare our uploads with other servers.")
    parser.add_argument("--short", action="store_true", help="smaller files, fewer rounds")
    parser.add_argument("--rounds", type=int, help="turns of each server")
    parser.add_argument("--output", type=Path, help="where the results go as JSON")
    return parser.parse_args()


def _conditions(parts: int, whole: int, rounds: int) -> dict[str, object]:
    nginx = peers.nginx_program()
    version = [nginx, "-v"] if nginx else ["true"]
    said = subprocess.run(version, capture_output=True, text=True, check=True).stderr
    return {
        "python": platform.python_version(),
        "node": ".".join(map(str, install.node_version(install.node()))),
        "nginx": said.strip().rpartition("/")[2] or None,
        "cores": os.cpu_count(),
        "rounds": rounds,
        "parts_bytes": parts,
        "whole_bytes": FILES * whole,
        "part_size": PART,
        "files_at_once": FILES,
        "put_connections": scenarios.CONNECTIONS,
    }


@contextlib.contextmanager
def _folder() -> Generator[Path]:
    """A temporary folder that the database's account can enter; TMPDIR says where."""
    with tempfile.TemporaryDirectory(prefix="reelgraph-bench-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


if __name__ == "__main__":
    main()
