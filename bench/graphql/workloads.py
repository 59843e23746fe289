"""What is asked: five documents, and the variables that change from request to request."""

import json
from dataclasses import dataclass
from typing import Any

from dataset import Dataset

from schema import ids

Variables = dict[str, Any]

COLUMNS = """
    id vid status statusReason title description sha256 fileSize width height durationMs
    createdAt updatedAt publishedAt
"""
PLAY_SET = "id status resolution width height durationMs fileSize bandwidth codecs createdAt"
STATISTICS = "statistics { plays viewers trafficBytes danmuCount likes watchSeconds }"
DANMU = "id timeMs mode color size userId content createdAt"


@dataclass(frozen=True, slots=True)
class Workload:
    """Requests of one kind; they differ in their variables only, and repeat in turn."""

    name: str
    document: str
    variables: list[Variables]

    def bodies(self) -> list[bytes]:
        return [body(self.document, one) for one in self.variables]


def body(document: str, variables: Variables) -> bytes:
    return json.dumps({"query": document, "variables": variables}).encode()


def workloads(data: Dataset, *, extension: bool) -> list[Workload]:
    """Without the extension: only what the product has by itself."""
    more = STATISTICS if extension else ""
    listing = "{ videos(first: 50) { nodes { %s playSets { %s } %s } } }"
    all_of_one = "query ($vid: String!) { video(by: {vid: $vid}) { %s playSets { %s } %s } }"
    window = (
        "query ($id: ID!, $from: Int!) { danmu(videoId: $id, fromMs: $from, first: 1000) { %s } }"
    )
    video_id = ids.encode("Video", data.danmu_video)
    windows: list[Variables] = [{"id": video_id, "from": start} for start in data.danmu_starts]
    found = [
        Workload("W1", listing % (COLUMNS, PLAY_SET, more), [{}]),
        Workload(
            "W2",
            all_of_one % (COLUMNS, f"{PLAY_SET} updatedAt", more),
            [{"vid": vid} for vid in data.vids],
        ),
        Workload("W3", window % DANMU, windows),
        Workload("W4", "{ videos(first: 10) { nodes { id title status durationMs } } }", [{}]),
        Workload("W5", listing % (COLUMNS, f"{PLAY_SET} signedUrl", more), [{}]),
    ]
    return [one for one in found if extension or one.name in {"W1", "W2", "W4"}]
