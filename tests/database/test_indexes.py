"""Indexes that nobody's query names, and that work needs all the same."""

import psycopg

UNINDEXED = """
select format('%%s.%%s', foreign_key.conrelid::regclass, attname)
from pg_constraint as foreign_key
join pg_attribute on attrelid = conrelid and attnum = conkey[1]
where contype = 'f' and connamespace = 'public'::regnamespace
    and confrelid::regclass::text <> all (%s)
    and conrelid::regclass::text not like 'procrastinate%%'
    and not exists (
        select from pg_index where indrelid = conrelid and indkey[0] = conkey[1]
            and (
                indpred is null
                or pg_get_expr(indpred, indrelid) = format('(%%s IS NOT NULL)', attname)
            )
    )
order by 1
"""
NEVER_DELETED = ["account", "api_key"]


def test_what_refers_to_a_row_that_goes_is_found_by_an_index(database_url: str) -> None:
    """Otherwise each row that is deleted costs a look at every row of the other table."""
    with psycopg.connect(database_url) as connection:
        assert connection.execute(UNINDEXED, [NEVER_DELETED]).fetchall() == []
