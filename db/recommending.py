"""How recommendations are made: for many videos of an account at once, by one statement.

It never compares every video with every other: it looks at what has been watched together, and at
the newest few of each tag, of each category, of the account, and of those that share a video's
rarest pairs of characters. Tags and titles are looked for among the `KNOWN` newest videos of the
account. So what the statement costs does not depend on how many videos and plays there are.
"""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, text

from db.session import WriteSession
from domain import recommendations
from domain.recommendations import WEIGHTS

KNOWN: Final = 20_000
"""The account's newest videos, among which tags and titles are looked for."""
PLAYS: Final = 200_000
"""The account's latest plays that count."""

_MAKE: Final = text("""
with mine as materialized (
    select id, category_id, tags, grams, sort_published_at from video where id = any(:ids)
),
known as materialized (
    select id, tags, grams, sort_published_at,
        row_number() over (order by sort_published_at desc, id desc) as place
    from video
    where account_id = :account_id and status = 'published'
    order by sort_published_at desc, id desc
    limit :known
),
newest as materialized (select id from known where place <= 51),

-- Who watched what: each viewer's latest 50 videos.
seen as materialized (
    select viewer, video_id
    from (
        select viewer, video_id, row_number() over (
            partition by viewer order by max(started_at) desc, video_id
        ) as place
        from (
            select viewer, video_id, started_at from play
            where account_id = :account_id and viewer is not null
                and started_at > now() - make_interval(days => :days)
            order by started_at desc, id
            limit :plays
        ) as latest
        group by viewer, video_id
    ) as ordered
    where place <= 50
),
audience as materialized (
    select video_id, count(*)::float8 as viewers from seen group by video_id
),
together as materialized (
    select video_id, other_id, watched
    from (
        select pair.video_id, pair.other_id, shared.watched, row_number() over (
            partition by pair.video_id order by shared.watched desc, pair.other_id
        ) as place
        from (
            select one.video_id, other.video_id as other_id, count(*)::float8 as viewers
            from seen as one join seen as other using (viewer)
            where one.video_id = any(:ids) and other.video_id <> one.video_id
            group by one.video_id, other.video_id
        ) as pair
        join audience as of_one on of_one.video_id = pair.video_id
        join audience as of_other on of_other.video_id = pair.other_id
        cross join lateral (
            select pair.viewers / (sqrt(of_one.viewers * of_other.viewers) + :doubt) as watched
        ) as shared
    ) as ordered
    where place <= 100
),

-- The newest 30 of each tag.
tagged as materialized (
    select tag, id
    from (
        select tag, id, row_number() over (partition by tag order by place) as place
        from known cross join unnest(tags) as tag
    ) as ordered
    where place <= 30
),

-- The newest of each category, and fewer of its parent. Each may be one of these itself.
filed as materialized (
    select place.id as category_id, found.id
    from (select distinct category_id as id from mine) as place
    cross join lateral (
        select id from video
        where category_id = place.id and status = 'published'
        order by sort_published_at desc, id desc
        limit 51
    ) as found
    union all
    select place.id, found.id
    from (select distinct category_id as id from mine) as place
    join category on category.id = place.id
    cross join lateral (
        select id from video
        where category_id = category.parent_id and status = 'published'
        order by sort_published_at desc, id desc
        limit 25
    ) as found
),

-- Pairs of characters, each as a number; and of each video's three rarest the newest 30.
pair as materialized (
    select id, place, hashtext(gram) as gram
    from (
        select id, place, grams from known
        union all
        select id, null, grams from mine where id not in (select id from known)
    ) as titled
    cross join unnest(grams) as gram
    where length(gram) = 8
),
frequency as materialized (select gram, count(*) as videos from pair group by gram),
rare as materialized (
    select id, gram
    from (
        select pair.id, pair.gram, row_number() over (
            partition by pair.id order by frequency.videos, pair.gram
        ) as place
        from pair
        join mine on mine.id = pair.id
        join frequency on frequency.gram = pair.gram and frequency.videos > 1
    ) as ordered
    where place <= 3
),
having_rare as materialized (
    select gram, id
    from (
        select gram, id, row_number() over (partition by gram order by place) as place
        from pair where gram in (select gram from rare) and place is not null
    ) as ordered
    where place <= 30
),
title as materialized (
    select id, bit_or(set_bit(repeat('0', 1024)::bit(1024), gram & 1023, 1)) as bits
    from pair group by id
),

candidate as materialized (
    select video_id, other_id, max(watched) as watched
    from (
        select video_id, other_id, watched from together
        union all
        select mine.id, tagged.id, 0
        from mine cross join unnest(mine.tags) as tag join tagged using (tag)
        union all
        select mine.id, filed.id, 0 from mine join filed on filed.category_id = mine.category_id
        union all
        select mine.id, newest.id, 0 from mine cross join newest
        union all
        select rare.id, having_rare.id, 0 from rare join having_rare using (gram)
    ) as found
    where video_id <> other_id
    group by video_id, other_id
),
signals as materialized (
    select
        candidate.video_id,
        candidate.other_id,
        candidate.watched,
        case when mine.tags && other.tags then (
            select count(*)::float8 / (cardinality(mine.tags) + cardinality(other.tags) - count(*))
            from unnest(mine.tags) as tag where tag = any(other.tags)
        ) else 0 end as tags,
        case
            when mine.category_id = other.category_id then 1.0
            when of_mine.parent_id = other.category_id
                or of_other.parent_id = mine.category_id
                or of_mine.parent_id = of_other.parent_id then :near
            else 0
        end::float8 as category,
        coalesce(
            bit_count(title.bits & of_title.bits)::float8
                / nullif(bit_count(title.bits | of_title.bits), 0),
            0
        ) as title,
        power(0.5::float8, greatest(0, extract(
            epoch from (select max(sort_published_at) from known) - other.sort_published_at
        )::float8) / (86400 * :fresh_days)) as fresh,
        candidate.other_id in (select id from newest) as is_new
    from candidate
    join mine on mine.id = candidate.video_id
    join video as other on other.id = candidate.other_id
        and other.account_id = :account_id and other.status = 'published'
    left join category as of_mine on of_mine.id = mine.category_id
    left join category as of_other on of_other.id = other.category_id
    left join title on title.id = mine.id
    left join title as of_title on of_title.id = other.id
),
ranked as (
    select *, row_number() over (partition by video_id order by score desc, other_id) as rank
    from (
        select *, greatest(:least, round((
            :co_watched * watched + :same_tags * tags + :same_category * category
                + :similar_title * title + :new * fresh
        )::numeric, :digits))::float8 as score
        from signals
    ) as scored
    where watched > 0 or tags > 0 or category > 0 or title >= :similar_from or is_new
)
insert into recommendation (account_id, video_id, rank, other_id, score, reasons)
select :account_id, video_id, rank, other_id, score, array_remove(array[
    case when watched > 0 then 'co_watched' end,
    case when tags > 0 then 'same_tags' end,
    case when category > 0 then 'same_category' end,
    case when title >= :similar_from then 'similar_title' end,
    case when is_new then 'new' end
], null)
from ranked where rank <= :most
""").bindparams(
    bindparam("ids", type_=ARRAY(Uuid())),
    bindparam("account_id", type_=Uuid()),
)


_ROOM: Final = text("set local work_mem = '64MB'")
"""So that what the statement sorts and joins stays in memory."""


async def make(session: WriteSession, account_id: UUID, ids: Sequence[UUID]) -> None:
    """Insert those of these videos, which have none."""
    values: dict[str, Any] = {
        "ids": ids,
        "account_id": account_id,
        "known": KNOWN,
        "plays": PLAYS,
        "days": recommendations.LATELY_DAYS,
        "doubt": recommendations.DOUBT,
        "near": recommendations.NEAR_CATEGORY,
        "fresh_days": recommendations.FRESH_DAYS,
        "least": recommendations.LEAST,
        "digits": recommendations.DIGITS,
        "similar_from": recommendations.SIMILAR_FROM,
        "most": recommendations.MOST,
        **{reason.value: weight for reason, weight in WEIGHTS.items()},
    }
    await session.execute(_ROOM)
    await session.execute(_MAKE, values)
