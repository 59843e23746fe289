"""PostGraphile makes its schema of the tables, so it is asked in its own words."""

from typing import Final

from dataset import Dataset
from workloads import DANMU, Variables, Workload, body

VIDEO: Final = """
    id vid status statusReason title description sourceSha256 fileSize width height durationMs
    createdAt updatedAt publishedAt
"""
PLAY_SET: Final = "id status resolution width height durationMs fileSize bandwidth codecs createdAt"
PLAY_SETS: Final = "playSetsByVideoId(orderBy: FILE_SIZE_ASC) { nodes { %s } }"
STATISTICS: Final = (
    "benchStatisticByVideoId { plays viewers trafficBytes danmuCount likes watchSeconds }"
)
VIDEOS: Final = """
query ($account: UUID!) {
    allVideos(
        first: %d, orderBy: [CREATED_AT_DESC, ROW_ID_DESC], condition: {accountId: $account}
    ) { nodes { %s } }
}
"""
BY_VID: Final = """
query ($account: UUID!, $vid: String!) {
    allVideos(first: 1, condition: {vid: $vid, accountId: $account}) { nodes { %s } }
}
"""
WINDOW: Final = """
query ($video: UUID!, $from: Int!) { danmu(videoId: $video, fromMs: $from, first: 1000) { %s } }
"""


def bodies(workload: Workload, data: Dataset) -> list[bytes]:
    """The requests of a workload, asking for as much."""
    document = _document(workload.name, STATISTICS if "statistics" in workload.document else "")
    return [body(document, _variables(one, data)) for one in workload.variables]


def _document(name: str, statistics: str) -> str:
    everything = f"{VIDEO} {PLAY_SETS} {statistics}"
    documents = {
        "W1": VIDEOS % (50, everything % PLAY_SET),
        "W2": BY_VID % (everything % f"{PLAY_SET} updatedAt"),
        "W3": WINDOW % DANMU,
        "W4": VIDEOS % (10, "id title status durationMs"),
        "W5": VIDEOS % (50, everything % f"{PLAY_SET} signedUrl"),
    }
    return documents[name]


def _variables(ours: Variables, data: Dataset) -> Variables:
    video = {"video": str(data.danmu_video)} if "id" in ours else {"account": str(data.account_id)}
    return {**video, **{name: value for name, value in ours.items() if name != "id"}}
