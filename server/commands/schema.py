"""`reelgraph schema`: print the GraphQL schema."""

import argparse

from schema.root import schema


def add_arguments(parser: argparse.ArgumentParser) -> None:
    del parser


def run(args: argparse.Namespace) -> int:
    del args
    print(schema.as_str())
    return 0
