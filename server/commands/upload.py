"""`reelgraph upload`: send files and print where they play."""

import argparse
import asyncio
import sys
from pathlib import Path

from server import settings
from server.client import progress, sources
from server.client.api import Api
from server.client.connection import Connection, open_http
from server.client.errors import ClientError
from server.client.uploads import Playable, Upload, Wishes
from server.settings import ClientSettings

INTERRUPTED = 130
"""128 and the number of SIGINT, as shells have it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="video file to send")
    parser.add_argument(
        "--watch", action="store_true", help="wait for every play set, not for the first only"
    )
    parser.add_argument("--title", help="title of each video; default: the file's name")
    parser.add_argument("--description", help="description of each video")
    parser.add_argument(
        "--parallel", type=_positive, default=4, metavar="N", help="chunks sent at once; default: 4"
    )
    parser.add_argument(
        "--chunk-size",
        type=_positive,
        metavar="BYTES",
        help="bytes of a chunk; default: the server chooses",
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """The exit code: 0, 1 if something failed, 130 after Ctrl-C. Raises `SettingsError`."""
    wishes = Wishes(
        title=args.title,
        description=args.description,
        parallel=args.parallel,
        chunk_size=args.chunk_size,
        watch=args.watch,
    )
    try:
        return asyncio.run(_upload_each(args.files, wishes, settings.load_client()))
    except KeyboardInterrupt:
        _complain("Interrupted. Run the same command again to resume.")
        return INTERRUPTED


async def _upload_each(files: list[Path], wishes: Wishes, client: ClientSettings) -> int:
    async with open_http() as http:
        api = Api(Connection(http, client.url, key=client.key))
        results = [await _upload(api, path, wishes) for path in files]
    return 0 if all(results) else 1


async def _upload(api: Api, path: Path, wishes: Wishes) -> bool:
    """Whether all went well; if not, it was said why."""
    try:
        with sources.opened(path) as source, progress.display(str(path), sys.stderr) as display:
            folder = settings.state_dir() / "uploads"
            playable = await Upload(api, source, wishes, folder=folder, display=display).run()
    except ClientError as failure:
        _complain(f"{path}: {failure}")
        return False
    return _announce(path, playable)


def _announce(path: Path, playable: Playable) -> bool:
    for failure in playable.failures:
        _complain(f"{path}: {failure}")
    title = " ".join(playable.title.split())  # keeps it on its line
    print(f"Video  {title}  {playable.vid}")
    print(f"Play   {playable.hls_url}", flush=True)
    return not playable.failures


def _complain(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
