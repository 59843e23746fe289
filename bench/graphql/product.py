"""Ours: the product as its operators run it, without a worker, and with the bench's fields."""

import sys

import extension

if __name__ == "__main__":
    extension.install()
    from server import cli

    sys.exit(cli.main(["serve", "--no-worker"]))
