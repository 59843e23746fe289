"""Tables. Columns and constraints only: no behaviour, no relationships, no lazy loading."""

from db.models.accounts import Account, ApiKey, SigningSecret
from db.models.base import Base
from db.models.contents import Content, Garbage, SpentChallenge, StoredObject
from db.models.events import Event, QueueSchema
from db.models.uploads import UploadPart, UploadSession
from db.models.videos import AudioTrack, PlaySet, Task, Video

__all__ = [
    "Account",
    "ApiKey",
    "AudioTrack",
    "Base",
    "Content",
    "Event",
    "Garbage",
    "PlaySet",
    "QueueSchema",
    "SigningSecret",
    "SpentChallenge",
    "StoredObject",
    "Task",
    "UploadPart",
    "UploadSession",
    "Video",
]
