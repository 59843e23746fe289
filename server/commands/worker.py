"""`reelgraph worker`: run background work, without the API."""

import argparse
import asyncio
import logging

from jobs import worker
from server import logs, processes, settings, wiring

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    del parser


def run(args: argparse.Namespace) -> int:
    del args
    current = settings.load()
    logs.configure(form=current.log_format, level=current.log_level)
    wiring.open_data_dir(current)
    processes.run(_work(current))
    return 0


async def _work(current: settings.Settings) -> None:
    async with (
        wiring.open_database(current) as url,
        wiring.open_services(current, url) as services,
        wiring.open_tools(current, services) as tools,
    ):
        log.info("worker %s is ready", tools.worker)
        working = asyncio.create_task(worker.work(tools))
        await processes.until_stopped(working)
