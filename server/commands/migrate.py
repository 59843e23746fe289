"""`reelgraph migrate`: bring the database to the current tables."""

import argparse
import asyncio

from server import logs, settings, wiring


def add_arguments(parser: argparse.ArgumentParser) -> None:
    del parser


def run(args: argparse.Namespace) -> int:
    del args
    current = settings.load()
    logs.configure(form=current.log_format, level=current.log_level)
    asyncio.run(_migrate(current))
    print("The database is up to date.")
    return 0


async def _migrate(current: settings.Settings) -> None:
    wiring.open_data_dir(current)
    async with wiring.open_database(current):
        pass
