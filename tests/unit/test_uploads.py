"""How a file is cut into chunks."""

import pytest

from domain.errors import InvalidArgument, LimitExceeded
from domain.uploads import (
    GIB,
    KIB,
    MAX_CHUNK_SIZE,
    MAX_CHUNKS,
    MIB,
    ChunkPlan,
    UploadLimits,
    plan_chunks,
    seconds_left,
)

MAX_FILE_SIZE = UploadLimits().file_size


@pytest.mark.parametrize(
    ("file_size", "chunk_size", "total"),
    [
        (1, 8 * MIB, 1),
        (8 * MIB, 8 * MIB, 1),
        (8 * MIB + 1, 8 * MIB, 2),
        (10 * GIB, 8 * MIB, 1280),
        (100 * GIB, 10_737_419, 10_000),
        (MAX_FILE_SIZE, 27_487_791, 10_000),
    ],
)
def test_a_client_without_wishes_gets_a_plan_that_fits(
    file_size: int, chunk_size: int, total: int
) -> None:
    plan = plan_chunks(file_size)
    assert (plan.chunk_size, plan.total) == (chunk_size, total)


@pytest.mark.parametrize(
    ("file_size", "chunk_size", "total"),
    [(MIB, 64 * KIB, 16), (MIB + 1, 64 * KIB, 17), (5, 5, 1), (5, 10, 1), (5, MAX_CHUNK_SIZE, 1)],
)
def test_a_wish_for_a_size_is_kept(file_size: int, chunk_size: int, total: int) -> None:
    plan = plan_chunks(file_size, chunk_size=chunk_size)
    assert (plan.chunk_size, plan.total) == (chunk_size, total)


@pytest.mark.parametrize(("file_size", "total"), [(MIB, 1), (MIB, 3), (MIB + 1, 16), (1, 1)])
def test_a_wish_for_a_number_is_kept(file_size: int, total: int) -> None:
    assert plan_chunks(file_size, total_chunks=total).total == total


def test_two_wishes_that_agree_are_kept() -> None:
    assert plan_chunks(MIB, chunk_size=300 * KIB, total_chunks=4) == ChunkPlan(MIB, 300 * KIB)


def test_two_wishes_that_do_not_agree_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="has 4 chunks, not 5") as failure:
        plan_chunks(MIB, chunk_size=300 * KIB, total_chunks=5)
    assert failure.value.path == ("totalChunks",)


def test_chunks_cover_the_file_without_gap_or_overlap() -> None:
    plan = ChunkPlan(2 * MIB + 7, MIB)
    numbers = range(1, plan.total + 1)
    assert [(plan.offset(n), plan.length(n)) for n in numbers] == [
        (0, MIB),
        (MIB, MIB),
        (2 * MIB, 7),
    ]


def test_chunks_are_counted_from_one() -> None:
    plan = ChunkPlan(2 * MIB, MIB)
    assert [plan.holds(n) for n in (-1, 0, 1, 2, 3)] == [False, False, True, True, False]


def test_missing_chunks_are_named_in_order() -> None:
    plan = ChunkPlan(5 * MIB, MIB)
    assert plan.missing([4, 2]) == [1, 3, 5]
    assert plan.missing(range(1, 6)) == []


@pytest.mark.parametrize(
    ("wishes", "path"),
    [
        ({"file_size": 0}, "fileSize"),
        ({"file_size": -1}, "fileSize"),
        ({"file_size": MIB, "chunk_size": 64 * KIB - 1}, "chunkSize"),
        ({"file_size": MIB, "chunk_size": 0}, "chunkSize"),
        ({"file_size": MIB, "chunk_size": -5}, "chunkSize"),
        ({"file_size": MIB, "total_chunks": 0}, "totalChunks"),
        ({"file_size": MIB, "total_chunks": 17}, "chunkSize"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(wishes: dict[str, int], path: str) -> None:
    with pytest.raises(InvalidArgument) as failure:
        plan_chunks(**wishes)
    assert failure.value.path == (path,)


@pytest.mark.parametrize(
    ("wishes", "path", "limit"),
    [
        ({"file_size": MAX_FILE_SIZE + 1}, "fileSize", MAX_FILE_SIZE),
        ({"file_size": GIB, "chunk_size": 64 * KIB}, "totalChunks", MAX_CHUNKS),
        ({"file_size": GIB, "total_chunks": MAX_CHUNKS + 1}, "totalChunks", MAX_CHUNKS),
        ({"file_size": 2 * GIB, "chunk_size": GIB + 1}, "chunkSize", MAX_CHUNK_SIZE),
        ({"file_size": 2 * GIB, "total_chunks": 1}, "chunkSize", MAX_CHUNK_SIZE),
    ],
)
def test_a_plan_beyond_the_limits_is_refused(wishes: dict[str, int], path: str, limit: int) -> None:
    with pytest.raises(LimitExceeded) as failure:
        plan_chunks(**wishes)
    assert (failure.value.path, failure.value.limit) == ((path,), limit)


@pytest.mark.parametrize(
    ("received", "speed", "seconds"),
    [(0, None, None), (0, 30.0, 4), (100, None, 0), (90, 3.0, 4), (0, 1e-8, None), (0, 0.0, None)],
)
def test_the_time_left_is_what_the_speed_says(
    received: int, speed: float | None, seconds: int | None
) -> None:
    assert seconds_left(received, 100, speed) == seconds
