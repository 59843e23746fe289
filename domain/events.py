"""What happened, told to subscribers after the transaction that made it true commits."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class EventType(StrEnum):
    UPLOAD_COMPLETED = "upload_completed"
    UPLOAD_FAILED = "upload_failed"
    VIDEO_READY = "video_ready"
    VIDEO_FAILED = "video_failed"
    VIDEO_UPDATED = "video_updated"
    VIDEO_BANNED = "video_banned"
    VIDEO_UNBANNED = "video_unbanned"
    VIDEO_DELETED = "video_deleted"
    VIDEO_RESTORED = "video_restored"
    PLAY_SET_READY = "play_set_ready"
    PLAY_SET_FAILED = "play_set_failed"


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to be recorded, with the ids of its subjects."""

    type: EventType
    account_id: UUID
    upload_session_id: UUID | None = None
    video_id: UUID | None = None
    play_set_id: UUID | None = None

    def topics(self) -> list[str]:
        """Who is woken: watchers of each subject, and of the account."""
        subjects = {"upload": self.upload_session_id, "video": self.video_id}
        found = [topic(kind, id) for kind, id in subjects.items() if id is not None]
        return [*found, topic("account", self.account_id)]


def topic(kind: str, id: UUID) -> str:
    """The name under which watchers of one subject are woken."""
    return f"{kind}:{id}"
