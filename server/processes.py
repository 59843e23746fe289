"""A process that runs until it is told to stop, and then ends in order."""

import asyncio
import contextlib
import signal
from collections.abc import Coroutine
from typing import Any

import uvloop

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
SAME_STOP_S = 2


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run `main` on uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


def on_stop_signal() -> asyncio.Event:
    """Set by the first SIGINT or SIGTERM; one that comes later ends the process at once.

    One stop may arrive as several signals, such as from a shell and from `make` at once.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def first() -> None:
        if not stop.is_set():
            stop.set()
            loop.call_later(SAME_STOP_S, give_back)

    def give_back() -> None:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, first)
    return stop


async def until_stopped(*work: asyncio.Task[Any]) -> None:
    """Wait for a stop signal or the end of any of `work`; then cancel all and wait for them.

    Raises what the work raised.
    """
    stopping = asyncio.create_task(on_stop_signal().wait())
    try:
        await asyncio.wait([stopping, *work], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (stopping, *work):
            task.cancel()
        await asyncio.wait([stopping, *work])
    for task in work:
        with contextlib.suppress(asyncio.CancelledError):
            task.result()
