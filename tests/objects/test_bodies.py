"""Streams, cut and counted, without a store."""

import pytest

from storage import bodies
from tests.objects.bodies import body, cut

DATA = bytes(range(256))


@pytest.mark.parametrize("size", [1, 7, 100, 256, 999])
@pytest.mark.parametrize("at", [0, 10])
@pytest.mark.parametrize(("start", "end"), [(10, 20), (10, 11), (255, 256), (20, None), (99, 300)])
async def test_a_window_is_cut_out_of_more_than_was_asked(
    size: int, at: int, start: int, end: int | None
) -> None:
    blocks = body(*cut(DATA[at:], size))
    found = [block async for block in bodies.window(blocks, at, start, end)]
    assert b"".join(found) == DATA[start:end]
    assert all(found)


@pytest.mark.parametrize("size", [0, 1, 3, 4, 9, 10])
def test_blocks_are_split_at_a_byte(size: int) -> None:
    head, rest = bodies.split([b"abc", b"d", b"efghij"], size)
    assert (b"".join(head), b"".join(rest)) == (b"abcdefghij"[:size], b"abcdefghij"[size:])
    assert bool(rest) == (size < 10)


async def test_small_blocks_are_collected() -> None:
    found = [
        (len(blocks), size)
        async for blocks, size in bodies.batches(body(*cut(bytes(600_000), 65_536)))
    ]
    assert found == [(4, 262_144), (4, 262_144), (2, 75_712)]
