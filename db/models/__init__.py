"""Tables. Columns and constraints only: no behaviour, no relationships, no lazy loading.

What `legacy` and `recommended` have is made of several tables, and is only read.
"""

from db.models.accounts import Account, ApiKey, SigningSecret
from db.models.base import Base
from db.models.categories import Category
from db.models.contents import Content, Garbage, SpentChallenge, StoredObject
from db.models.events import Event, QueueSchema
from db.models.legacy import FetchLegacy, UploadLegacy, VideoLegacy
from db.models.play_sets import AudioTrack, PlaySet, SegmentKey
from db.models.playback import PasswordAttempt, SpentToken
from db.models.plays import Play, Recommendation, Recommending
from db.models.recommended import PublicRecommended, Recommended
from db.models.tasks import ClipSegment, ExportFile, FetchItem, Task, Worker, WorkerLane
from db.models.templates import RuleTemplate, Template, TemplateCost, TranscodeRule
from db.models.uploads import UploadPart, UploadSession
from db.models.videos import KeyPoint, Video

__all__ = [
    "Account",
    "ApiKey",
    "AudioTrack",
    "Base",
    "Category",
    "ClipSegment",
    "Content",
    "Event",
    "ExportFile",
    "FetchItem",
    "FetchLegacy",
    "Garbage",
    "KeyPoint",
    "PasswordAttempt",
    "Play",
    "PlaySet",
    "PublicRecommended",
    "QueueSchema",
    "Recommendation",
    "Recommended",
    "Recommending",
    "RuleTemplate",
    "SegmentKey",
    "SigningSecret",
    "SpentChallenge",
    "SpentToken",
    "StoredObject",
    "Task",
    "Template",
    "TemplateCost",
    "TranscodeRule",
    "UploadLegacy",
    "UploadPart",
    "UploadSession",
    "Video",
    "VideoLegacy",
    "Worker",
    "WorkerLane",
]
