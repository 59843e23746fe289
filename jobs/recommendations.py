"""Making recommendations anew, for accounts whose videos or plays have changed."""

import logging
import time
from typing import Final

from db import recommendations
from db.recommendations import CHUNK, Due
from jobs.runs import Tools

log = logging.getLogger(__name__)

ACCOUNTS: Final = 1_000
"""Accounts in one run; the others have their turn in the next."""
WORK_S: Final = 300.0
"""After so long a run begins nothing more. What is left is gone on with in the next."""


async def recommend(tools: Tools, *, seconds: float = WORK_S, size: int = CHUNK) -> int:
    """Make those that are due, in transactions of some videos each; returns how many that were."""
    ends_at, made = time.monotonic() + seconds, 0
    async with tools.db.read() as session:
        due = await recommendations.due(session, limit=ACCOUNTS)
    for account in due:
        if time.monotonic() >= ends_at:
            return made
        try:
            made += await _finish(tools, account, ends_at, size)
        except Exception:
            log.exception("recommendations of account %s are left", account.account_id)
    return made


async def _finish(tools: Tools, account: Due, ends_at: float, size: int) -> int:
    made = 0
    while True:
        async with tools.db.write() as session:
            reached = await recommendations.advance(session, account, size=size)
        made += 1
        if reached is None or time.monotonic() >= ends_at:
            return made
        account = Due(account.account_id, reached)
