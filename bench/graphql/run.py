"""How many requests our GraphQL endpoint answers in a second of one core, beside other servers.

All servers read the same tables of one PostgreSQL. Each runs on core 0; the load, PostgreSQL and
this process have core 1. In each round every server has a short turn at every workload, since the
machine's speed drifts. What counts is the CPU time of the server's process, by the scheduler.

Before anything is measured all servers must answer alike. Exits with 1 when a goal is missed.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import dataset
import extension
import install
import postgraphile
import verify
from dataset import Dataset
from load import Job, Load
from report import Report
from servers import (
    KINDS,
    LIMIT,
    LOAD_CORE,
    NODE_JIT,
    OURS,
    Kind,
    Server,
    ServerFailed,
    end_in_order,
    pin,
    running,
)
from workloads import Workload, workloads

CONNECTIONS = 8
SHORT = (OURS, *NODE_JIT, LIMIT)
FIRST_WARM_UP_S = 1
"""What Node takes to compile its hot paths; in later rounds they are compiled."""
WARM_UP_S = 0.2


def bodies(server: Server, workload: Workload, data: Dataset) -> list[bytes]:
    if server.kind.own_documents:
        return postgraphile.bodies(workload, data)
    return workload.bodies()


def check(
    servers: Sequence[Server], asked: Sequence[Workload], data: Dataset, *, variants: int
) -> None:
    """Compare all answers with the limit's, or with the first server's."""
    reference = next((one for one in servers if one.kind.name == LIMIT), servers[0])
    for workload in asked:
        count = 0
        for place in range(min(variants, len(workload.variables))):
            answers = [_data(server, workload, data, place) for server in (reference, *servers)]
            for server, answer in zip(servers, answers[1:], strict=True):
                verify.compare(server, workload.name, answers[0], answer)
            count = verify.leaves(answers[0])
        print(f"{workload.name}: all answer alike, {count:,} leaves", flush=True)


def _data(server: Server, workload: Workload, data: Dataset, place: int) -> object:
    body = bodies(server, workload, data)[place]
    return verify.data_of(server, workload.name, server.ask(workload.name, body, data.api_key))


def measure(
    servers: Sequence[Server],
    asked: Sequence[Workload],
    data: Dataset,
    *,
    rounds: int,
    seconds: float,
) -> Report:
    report = Report([one.name for one in asked])
    load = Load()
    try:
        for number in range(rounds):
            for workload in asked:
                for server in servers:
                    requests = [
                        server.request(workload.name, body, data.api_key).decode()
                        for body in bodies(server, workload, data)
                    ]
                    warm_up_s = WARM_UP_S if number else FIRST_WARM_UP_S
                    job = Job(server.port, server.pid, requests, CONNECTIONS, warm_up_s, seconds)
                    report.add(server.kind.name, workload.name, load.run(job))
            print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    finally:
        load.close()
    for server in servers:
        report.memory[server.kind.name] = server.memory()
    return report


def main() -> None:
    options = _options()
    pin(LOAD_CORE)
    end_in_order()
    install.peers()
    kinds = _chosen(options.only.split(",") if options.only else SHORT if options.short else ())
    extended = not options.without_extension
    if extended and not extension.INSTALLED and any(kind.name == OURS for kind in kinds):
        sys.exit("extension.py adds nothing yet: choose --without-extension, or other servers")
    print(f"{len(kinds)} servers; Python {sys.version.split()[0]}, Node {_node()}", flush=True)
    try:
        with dataset.folder() as home, dataset.serve(home) as data:
            asked = workloads(data, extension=extended)
            with running(kinds, data, home, extension=extended) as servers:
                check(servers, asked, data, variants=4 if options.short else 16)
                seconds = options.seconds or (0.5 if options.short else 2)
                rounds = options.rounds or (3 if options.short else 5)
                report = measure(servers, asked, data, rounds=rounds, seconds=seconds)
    except ServerFailed as failure:
        sys.exit(str(failure))
    print(report.table())
    if options.output:
        options.output.write_text(json.dumps(report.to_json(), indent=2) + "\n")
    if missed := report.missed():
        sys.exit("Missed:\n" + "\n".join(f"- {one}" for one in missed))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare our GraphQL endpoint with others.")
    parser.add_argument("--short", action="store_true", help="few servers, short turns")
    parser.add_argument("--rounds", type=int, help="turns of each server at each workload")
    parser.add_argument("--seconds", type=float, help="how long a turn is")
    parser.add_argument("--only", help=f"of {', '.join(kind.name for kind in KINDS)}; by commas")
    parser.add_argument("--output", type=Path, help="where the results go as JSON")
    parser.add_argument(
        "--without-extension",
        action="store_true",
        help="W1, W2 and W4, with nothing that the product does not have itself",
    )
    return parser.parse_args()


def _chosen(names: Sequence[str]) -> list[Kind]:
    unknown = set(names) - {kind.name for kind in KINDS}
    if unknown:
        sys.exit(f"There is no server called {', '.join(sorted(unknown))}.")
    return [kind for kind in KINDS if not names or kind.name in names]


def _node() -> str:
    return ".".join(map(str, install.node_version(install.node())))


if __name__ == "__main__":
    main()
