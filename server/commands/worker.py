"""`reelgraph worker`: run background work, without the API."""

import argparse
import asyncio
import logging
import socket
import sys
from collections.abc import Sequence

from jobs import worker
from jobs.lanes import Lane, choose
from jobs.presence import Vitals
from jobs.queue import QUEUES
from server import logs, monitor, processes, settings, wiring

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--queues", metavar="NAMES", help=f"only some of: {', '.join(QUEUES)}")
    parser.add_argument(
        "--concurrency",
        metavar="NUMBERS",
        help="jobs at once: 2 of each queue, or transcode=2,first_play=1",
    )
    parser.add_argument(
        "--health", metavar="HOST:PORT", help="where to answer /healthz and /metrics"
    )


def run(args: argparse.Namespace) -> int:
    current = settings.load()
    try:
        lanes = choose(
            worker.LANES,
            queues=args.queues or current.worker_queues,
            concurrency=args.concurrency or current.worker_concurrency,
        )
        address = settings.checked_address(args.health or current.worker_address)
    except ValueError as mistake:
        print(f"reelgraph worker: {mistake}", file=sys.stderr)
        return 2
    logs.configure(form=current.log_format, level=current.log_level)
    with monitor.listening(address, of="worker_address") as watched:
        wiring.open_data_dir(current)
        processes.run(_work(current, lanes, watched))
    return 0


async def _work(
    current: settings.Settings, lanes: Sequence[Lane], watched: socket.socket | None
) -> None:
    async with (
        wiring.open_database(current) as url,
        wiring.open_services(current, url) as services,
        wiring.open_tools(current, services) as tools,
    ):
        if await wiring.is_isolated():
            log.info("programs that read uploads see no other file and no network")
        log.info("worker %s is ready", tools.worker)
        vitals = Vitals(lanes)
        work = [worker.work(tools, lanes, vitals=vitals)]
        if watched is not None:
            work.append(monitor.run(watched, services.db, vitals))
        await processes.until_stopped(*(asyncio.create_task(one) for one in work))
