"""The operations of the API that an upload needs, and what it reads of their answers."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from server.client.connection import Answer, Connection
from server.client.errors import ClientError, Ended

TARGETS_AT_ONCE = 100
"""Links asked for at once; a server allows 1000, but a new set after an expiry costs less so."""

_HELLO = """
query Hello { viewer { name } limits { maxFileSize } }
"""

_SESSION_FIELDS = """
fragment Session on UploadSession { id title status chunkSize missingChunks }
"""

_CREATE = f"""
mutation CreateUploadSession($input: CreateUploadSessionInput!) {{
  payload: createUploadSession(input: $input) {{
    uploadSession {{ ...Session }}
    userErrors {{ message }}
  }}
}}
{_SESSION_FIELDS}
"""

_COMPLETE = f"""
mutation CompleteUploadSession($input: CompleteUploadSessionInput!) {{
  payload: completeUploadSession(input: $input) {{
    uploadSession {{ ...Session }}
    userErrors {{ message }}
  }}
}}
{_SESSION_FIELDS}
"""

_SESSION = f"""
query UploadSession($id: ID!) {{ uploadSession(id: $id) {{ ...Session }} }}
{_SESSION_FIELDS}
"""

_TARGETS = """
query UploadTargets($id: ID!, $indexes: [Int!]!) {
  uploadSession(id: $id) {
    targets(indexes: $indexes) {
      chunkIndex method url headers { name value } checksumHeader
    }
  }
}
"""

_WATCH_SESSION = """
subscription UploadSession($id: ID!) {
  uploadSession(id: $id) {
    status
    error { code message }
    task { progress }
    video { id }
  }
}
"""

_WATCH_PLAY_SETS = """
subscription PlaySets($videoId: ID!) {
  playSets(videoId: $videoId) { resolution status progress task { error { code message } } }
}
"""

_VIDEO = """
query Video($id: ID!) {
  video(by: { id: $id }) { title vid statusReason playback { hlsUrl } }
}
"""


@dataclass(frozen=True, slots=True)
class NewSession:
    """What is announced of a file. Sizes in bytes; without `chunk_size` the server chooses."""

    title: str
    description: str | None
    sha256: str
    file_size: int
    chunk_size: int | None


class Viewer(Answer):
    name: str


class Limits(Answer):
    max_file_size: int


class _Hello(Answer):
    viewer: Viewer | None
    limits: Limits


class Session(Answer):
    id: str
    title: str
    status: str
    chunk_size: int
    missing_chunks: list[int]

    @property
    def takes_chunks(self) -> bool:
        return self.status in {"WAITING", "UPLOADING"}

    @property
    def has_every_chunk(self) -> bool:
        return self.status in {"VERIFYING", "COMPLETED"}


class _Session(Answer):
    upload_session: Session | None


class _UserError(Answer):
    message: str


class _Payload(Answer):
    upload_session: Session | None
    user_errors: list[_UserError]


class _Mutation(Answer):
    payload: _Payload


class Header(Answer):
    name: str
    value: str


class Target(Answer):
    """Where one chunk is sent."""

    chunk_index: int
    method: str
    url: str
    headers: list[Header]
    checksum_header: str | None


class _TargetList(Answer):
    targets: list[Target]


class _Targets(Answer):
    upload_session: _TargetList | None


class Failure(Answer):
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.message} ({self.code})"


class Check(Answer):
    progress: float


class VideoId(Answer):
    id: str


class SessionState(Answer):
    """How far the check of a whole file is, what came of it, or why it was refused."""

    status: str
    error: Failure | None
    task: Check | None
    video: VideoId | None


class _SessionState(Answer):
    upload_session: SessionState


class Transcode(Answer):
    error: Failure | None


class PlaySet(Answer):
    resolution: str
    status: str
    progress: float
    task: Transcode | None

    @property
    def is_ready(self) -> bool:
        return self.status == "READY"

    @property
    def name(self) -> str:
        """As people write it: 360P, Origin."""
        if self.resolution.startswith("P"):
            return f"{self.resolution[1:]}P"
        return self.resolution.capitalize()


class _PlaySets(Answer):
    play_sets: list[PlaySet]


class Playback(Answer):
    hls_url: str


class Video(Answer):
    title: str
    vid: str
    status_reason: str | None
    playback: Playback | None


class _Video(Answer):
    video: Video | None


class Api:
    """One method per operation. Each raises `ClientError`, in the server's words if it has any."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    async def max_file_size(self) -> int:
        """The first contact: also finds out, without waiting, that server and key are good."""
        hello = await self.connection.ask_once(_HELLO, {}, _Hello)
        if hello.viewer is None:
            raise ClientError("The server does not accept the API key; see REELGRAPH_API_KEY.")
        return hello.limits.max_file_size

    async def create(self, new: NewSession) -> Session:
        """Raises `TemporaryFailure` at once: there may be a session all the same."""
        wishes = {
            "title": new.title,
            "description": new.description,
            "sha256": new.sha256,
            "fileSize": new.file_size,
            "chunkSize": new.chunk_size,
            "deviceType": "command line",
        }
        return _changed(await self.connection.ask_once(_CREATE, {"input": wishes}, _Mutation))

    async def complete(self, id: str, sha256: str) -> Session:
        file = {"id": id, "finalSha256": sha256}
        return _changed(await self.connection.ask(_COMPLETE, {"input": file}, _Mutation))

    async def session(self, id: str) -> Session | None:
        return (await self.connection.ask(_SESSION, {"id": id}, _Session)).upload_session

    async def has_every_chunk(self, id: str) -> bool:
        """Whether a session has, as far as the server says so at once."""
        try:
            found = await self.connection.ask_once(_SESSION, {"id": id}, _Session)
        except ClientError:
            return False
        return found.upload_session is not None and found.upload_session.has_every_chunk

    async def targets(self, id: str, indexes: Sequence[int]) -> list[Target]:
        variables = {"id": id, "indexes": list(indexes)}
        found = (await self.connection.ask(_TARGETS, variables, _Targets)).upload_session
        if found is None:
            raise Ended("The upload session is gone. Run the command again for a new one.")
        return found.targets

    async def watch_session(self, id: str) -> AsyncGenerator[SessionState]:
        async for answer in self.connection.follow(_WATCH_SESSION, {"id": id}, _SessionState):
            yield answer.upload_session

    async def watch_play_sets(self, video_id: str) -> AsyncGenerator[list[PlaySet]]:
        variables = {"videoId": video_id}
        async for answer in self.connection.follow(_WATCH_PLAY_SETS, variables, _PlaySets):
            yield answer.play_sets

    async def video(self, id: str) -> Video:
        video = (await self.connection.ask(_VIDEO, {"id": id}, _Video)).video
        if video is None:
            raise Ended("The video was deleted. Run the command again to upload the file anew.")
        return video


def _changed(mutation: _Mutation) -> Session:
    payload = mutation.payload
    if payload.upload_session is None:
        reasons = " ".join(error.message for error in payload.user_errors)
        raise ClientError(f"The server says: {reasons}")
    return payload.upload_session
