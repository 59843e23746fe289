"""Videos, uploads and fetches that are the caller's own, in the terms of older systems."""

from db import legacy
from db.rows import Rows
from resolvers.context import Context


def of_video(_ctx: Context) -> Rows:
    return Rows.of(legacy.VIDEOS, by="id")


def of_upload(_ctx: Context) -> Rows:
    return Rows.of(legacy.UPLOADS, by="id")


def of_fetch(_ctx: Context) -> Rows:
    return Rows.of(legacy.FETCHES, by="id")
