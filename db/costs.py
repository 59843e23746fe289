"""Statements about what templates have cost lately, and what they will."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from db.models import TemplateCost, Video
from db.session import ReadSession, WriteSession
from domain import costs
from domain.media import Source
from domain.simulation import pace_of
from domain.templates import Template


async def learn(
    session: WriteSession, video: Video, templates: Sequence[Template], *, seconds: float
) -> None:
    """Remember what a run has cost that made these templates of the video in so many seconds.

    A simulated video takes as long as it was asked to: nothing is learned from that.
    """
    if video.source is None or video.simulation is not None or not templates:
        return
    source = Source.from_json(video.source)
    found = costs.learned(source, templates, seconds=seconds)
    kind = costs.source_class(source)
    wanted = insert(TemplateCost).values(
        [
            {"template_id": id, "source_class": kind, "cost": cost, "samples": 1}
            for id, cost in sorted(found.items())  # whoever learns the same meets it in this order
        ]
    )
    former, latest = TemplateCost.cost, wanted.excluded.cost
    await session.execute(
        wanted.on_conflict_do_update(
            index_elements=[TemplateCost.template_id, TemplateCost.source_class],
            set_={
                "cost": former + costs.NEW_WEIGHT * (latest - former),
                "samples": TemplateCost.samples + 1,
                "updated_at": func.now(),
            },
        )
    )


async def expected_s(
    session: ReadSession, video: Video, templates: Sequence[Template]
) -> float | None:
    """Seconds that a run is expected to take which makes these templates of the video.

    None when nothing is known of the video's file.
    """
    if video.source is None:
        return None
    source = Source.from_json(video.source)
    pace = pace_of(video.simulation)
    if pace is not None:
        return source.duration_ms / 1000 / pace
    rows = await session.execute(
        select(TemplateCost.template_id, TemplateCost.cost).where(
            TemplateCost.source_class == costs.source_class(source),
            TemplateCost.template_id.in_([one.id for one in templates]),
        )
    )
    return costs.expected_s(source, templates, {row.template_id: row.cost for row in rows})
