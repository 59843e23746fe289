"""Working passwords out, which takes a core for tens of milliseconds and much memory each time."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from domain import passwords
from domain.passwords import Memory, Seal

AT_ONCE = 2
"""How many passwords one process works out at the same time."""


class Passwords:
    """Works a few passwords out at a time, however many are asked for.

    They have threads of their own: who leaves while a password is worked out does not stop that,
    and the thread is not another's until it is done.
    """

    def __init__(self, seal: Seal, *, readable: bool) -> None:
        self._seal = seal
        self._readable = readable
        self._memory = Memory()
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="passwords")
        self.turns = asyncio.Semaphore(AT_ONCE)
        """To be held by whoever has one worked out: what they looked at before stays true."""

    async def digest(self, password: str) -> str:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, passwords.digest, password)

    async def matches(self, password: str, stored: str) -> bool:
        loop = asyncio.get_running_loop()
        is_right = await loop.run_in_executor(self._threads, passwords.matches, password, stored)
        if is_right:
            self._memory.keep(password, stored)
        return is_right

    def recalls(self, password: str, stored: str) -> bool:
        """Whether it is known at once to be right, so that nobody has to wait for a turn."""
        return self._memory.recalls(password, stored)

    def sealed(self, password: str, of: UUID) -> bytes | None:
        """The password for its owner to read; None where the installation does not keep it."""
        return self._seal.close(password, of) if self._readable else None

    def read(self, sealed: bytes | None, of: UUID) -> str | None:
        """None also for what was kept before the installation ceased to allow it."""
        if sealed is None or not self._readable:
            return None
        return self._seal.open(sealed, of)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
