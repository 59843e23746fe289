"""Which queues a worker serves, and with how many jobs at once."""

import pytest

from jobs import lanes, worker
from jobs.lanes import Lane, LanesError
from jobs.queue import QUEUES

USUAL = [Lane(["intake"], 2), Lane(["transcode"], 1), Lane(["clip"], 1), Lane(["rescue"], 1)]


def test_every_queue_has_one_lane() -> None:
    assert sorted(name for lane in worker.LANES for name in lane.queues) == sorted(QUEUES)


@pytest.mark.parametrize(
    ("queues", "concurrency", "expected"),
    [
        (None, None, {"intake": 2, "transcode": 1, "clip": 1, "rescue": 1}),
        ("transcode", None, {"transcode": 1, "rescue": 1}),
        ("clip, intake", None, {"intake": 2, "clip": 1, "rescue": 1}),
        ("rescue", None, {"rescue": 1}),
        (None, "3", {"intake": 3, "transcode": 3, "clip": 3, "rescue": 1}),
        ("transcode", "100", {"transcode": 100, "rescue": 1}),
        (None, "transcode=4, clip=2", {"intake": 2, "transcode": 4, "clip": 2, "rescue": 1}),
        ("transcode,clip", "clip=2", {"transcode": 1, "clip": 2, "rescue": 1}),
        ("transcode", "rescue=2", {"transcode": 1, "rescue": 2}),
    ],
)
def test_a_worker_serves_what_it_is_told_and_the_rescue(
    queues: str | None, concurrency: str | None, expected: dict[str, int]
) -> None:
    chosen = lanes.choose(USUAL, queues=queues, concurrency=concurrency)
    assert {name: lane.concurrency for lane in chosen for name in lane.queues} == expected


THERE_IS_NO = 'There is no queue "{}" here. The queues are: {}.'
IS_NO_NUMBER = '"{}" is no number of jobs from 1 to 100.'


@pytest.mark.parametrize(
    ("queues", "concurrency", "message"),
    [
        ("transcoder", None, THERE_IS_NO.format("transcoder", ", ".join(QUEUES))),
        ("transcode,", None, THERE_IS_NO.format("", ", ".join(QUEUES))),
        ("transcode", "clip=2", THERE_IS_NO.format("clip", "transcode, rescue")),
        (None, "0", IS_NO_NUMBER.format("0")),
        (None, "101", IS_NO_NUMBER.format("101")),
        (None, "-1", IS_NO_NUMBER.format("-1")),
        (None, "many", IS_NO_NUMBER.format("many")),
        (None, "clip=", IS_NO_NUMBER.format("")),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(
    queues: str | None, concurrency: str | None, message: str
) -> None:
    with pytest.raises(LanesError) as refused:
        lanes.choose(USUAL, queues=queues, concurrency=concurrency)
    assert str(refused.value) == message
