"""`reelgraph fsck`: compare the database with the stored files."""

import argparse
import asyncio
import sys

from jobs import fsck
from server import logs, settings, wiring


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--repair",
        action="store_true",
        help="remove what no row is about, count anew, and set damaged files aside",
    )
    parser.add_argument("--read", action="store_true", help="also hash every source file")


def run(args: argparse.Namespace) -> int:
    """0 when nothing is left to be mended, else 1."""
    current = settings.load()
    logs.configure(form=current.log_format, level=current.log_level)
    wiring.open_data_dir(current)
    return asyncio.run(_check(current, repair=args.repair, read=args.read))


async def _check(current: settings.Settings, *, repair: bool, read: bool) -> int:
    left = found = 0
    async with (
        wiring.open_database(current) as url,
        wiring.open_services(current, url) as services,
        wiring.open_tools(current, services) as tools,
    ):
        async for one in fsck.check(tools, repair=repair, read=read):
            found += 1
            left += not one.mended
            state = "mended" if one.mended else "found"
            print(f"{state}  {one.fault:<8}  {one.subject}  {one.detail}", flush=True)
    print(f"{found} found, {found - left} mended, {left} left.", file=sys.stderr)
    return 1 if left else 0
