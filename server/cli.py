"""The command line: `reelgraph COMMAND`."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final, Protocol, cast

from server.settings import PREFIX, NotReady, SettingsError

COMMANDS: Final = {
    "serve": "run the API, with a worker in the same process",
    "worker": "run background work: checking uploads and transcoding",
    "migrate": "bring the database to the current tables, and stop",
    "upload": "send video files, and print where they play",
    "fsck": "compare the database with the stored files, and mend what does not fit",
    "schema": "print the GraphQL schema",
    "settings": "list every setting, its default and its meaning",
}


class Command(Protocol):
    """A module of `server.commands`, named like its command."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...
    def run(self, args: argparse.Namespace) -> int:
        """Do it, and return the exit code."""
        ...


def main(arguments: Sequence[str] | None = None) -> int:
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        return _run(given)
    except (SettingsError, NotReady) as failure:
        print(f"reelgraph: {failure}", file=sys.stderr)  # noqa: T201  (the command line prints)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # as in `reelgraph schema | head`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(given: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="reelgraph",
        description="A video-on-demand platform whose only API is one GraphQL schema.",
        epilog=f"Settings come from the environment ({PREFIX}…) and from .env:"
        " see `reelgraph settings`.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    parsers = {
        name: commands.add_parser(name, help=text, description=text)
        for name, text in COMMANDS.items()
    }
    if not given or given[0] not in parsers:
        parser.parse_args(given)  # prints the help, or what is wrong, and exits
        return 0
    # Only the chosen command is imported: they need very different libraries.
    command = cast("Command", import_module(f"server.commands.{given[0]}"))
    command.add_arguments(parsers[given[0]])
    return command.run(parser.parse_args(given))


if __name__ == "__main__":
    raise SystemExit(main())
