"""The command line: `reelgraph COMMAND`."""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Protocol, cast

from server import settings
from server.commands import migrate, schema, serve, show_settings, upload, worker
from server.settings import SettingsError
from server.wiring import NotReady


class Command(Protocol):
    """A module of `server.commands`."""

    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...
    def run(self, args: argparse.Namespace) -> int:
        """Do it, and return the exit code."""
        ...


COMMANDS = {
    "serve": serve,
    "worker": worker,
    "migrate": migrate,
    "upload": upload,
    "schema": schema,
    "settings": show_settings,
}


def main(arguments: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    try:
        return cast("Callable[[argparse.Namespace], int]", args.run)(args)
    except (SettingsError, NotReady) as failure:
        print(f"reelgraph: {failure}", file=sys.stderr)  # noqa: T201  (the command line prints)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="reelgraph",
        description="A video-on-demand platform whose only API is one GraphQL schema.",
        epilog=f"Settings come from the environment ({settings.PREFIX}…) and from .env:"
        " see `reelgraph settings`.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, module in COMMANDS.items():
        command = cast("Command", module)
        sub = commands.add_parser(name, help=command.HELP, description=command.HELP)
        command.add_arguments(sub)
        sub.set_defaults(run=command.run)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
