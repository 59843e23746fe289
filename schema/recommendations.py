"""Recommendations: what to watch after a video."""

from typing import TYPE_CHECKING, Annotated, ClassVar, TypeAlias

import strawberry

from db import models
from db.rows import Rows
from domain.recommendations import Reason
from resolvers import videos
from resolvers.context import Context
from schema.enums import publish
from schema.execution.fields import computed, relation

if TYPE_CHECKING:
    from schema.videos import Video

Other: TypeAlias = Annotated["Video", strawberry.lazy("schema.videos")]

publish(
    Reason,
    "Why a video is recommended. New values may be added.",
    {
        Reason.CO_WATCHED: "Who watched the one watched the other, in the last 90 days.",
        Reason.SAME_TAGS: "They have tags in common.",
        Reason.SAME_CATEGORY: "They are in the same category, or in neighbours of the tree.",
        Reason.SIMILAR_TITLE: "Their titles are alike.",
        Reason.NEW: "It is one of the newest.",
    },
    name="RecommendationReason",
)


def _reasons(reasons: list[str]) -> list[Reason]:
    return [Reason(one) for one in reasons]


@strawberry.type(description="A video to watch after another one.")
class Recommendation:
    model: ClassVar = models.Recommended

    @relation(Other, of="id", description="The video to watch.")
    @staticmethod
    def video(ctx: Context) -> Rows:
        return videos.own(ctx)

    score: float = strawberry.field(
        description="How much speaks for it, 0.0 to 1.0; 0 when it is only one of the newest."
    )
    reasons: list[Reason] = computed(_reasons, "reasons", description="What speaks for it.")
