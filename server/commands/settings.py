"""`reelgraph settings`: list every setting."""

import argparse

from rich.console import Console
from rich.table import Table

from server import settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    del parser


def run(args: argparse.Namespace) -> int:
    del args
    table = Table(box=None, pad_edge=False)
    table.add_column("Variable", no_wrap=True)
    table.add_column("Default", overflow="fold")
    table.add_column("Meaning")
    for name, default, meaning in settings.variables():
        table.add_row(name, default, meaning)
    Console().print(table)
    return 0
