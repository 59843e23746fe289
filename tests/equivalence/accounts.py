"""Rows of accounts, of the objects they store, and of their templates, categories and rules."""

from db.models import (
    Account,
    Category,
    Content,
    RuleTemplate,
    StoredObject,
    Template,
    TranscodeRule,
)
from domain.templates import FIRST_OWN, Codec, Encryption, Quality
from domain.videos import Resolution
from tests.equivalence import values
from tests.equivalence.tables import OBJECTS, TEMPLATES, TENANTS, Rows, digest, key, moment, pick
from tests.support.factories import EPOCH


def contents(made: Rows) -> None:
    """What all tenants hold together."""
    for number in range(OBJECTS):
        made.add(
            Content,
            id=key("content", number),
            sha256=digest(number),
            key=f"sources/{number}",
            size=pick(values.SIZES, number),
            references=len(TENANTS),
        )


def account(made: Rows, tenant: str) -> None:
    made.add(
        Account,
        id=key(tenant, "account"),
        user_id=tenant,
        name=f'{tenant} "quoted" \\ 中',
        storage_used=pick(values.SIZES, len(tenant)),
        storage_quota=None if tenant == "owner" else 2**53 - 1,
        referrers=[] if tenant == "stranger" else ["*.xn--bcher-kva.example", 'quoted".example'],
        empty_referrer=tenant == "stranger",
        networks=[] if tenant == "owner" else ["10.0.0.0/8", "2001:db8::/32"],
        created_at=EPOCH,
    )


def stored_objects(made: Rows, tenant: str) -> None:
    for number in range(OBJECTS):
        made.add(
            StoredObject,
            id=key(tenant, "object", number),
            storage_id=f"{tenant}-{number}",
            account_id=key(tenant, "account"),
            content_id=key("content", number),
            sha256=digest(number),
            file_size=pick(values.SIZES, number),
            file_name=pick(values.TITLES[:18], 4 * number) if number % 3 else None,
            content_type=pick(("video/mp4", "application/octet-stream"), number),
            created_at=moment(number),
        )


def templates(made: Rows, tenant: str) -> None:
    """The last one is a former form of the first."""
    for number in range(TEMPLATES):
        made.add(
            Template,
            id=key(tenant, "template", number),
            public_id=key(tenant, "public template", number),
            replaced_by_id=key(tenant, "public template", 0) if number == TEMPLATES - 1 else None,
            account_id=key(tenant, "account"),
            number=FIRST_OWN + 10 * list(TENANTS).index(tenant) + number,
            name=pick(values.TITLES, number + 7),
            resolution=pick(list(Resolution), number),
            codec=pick(list(Codec), number),
            quality=pick(list(Quality), number),
            video_bitrate=pick((None, 100_000_000, 50_000), number),
            audio_bitrate=pick((None, 32_000), number),
            max_frame_rate=pick((60, None, 1), number),
            encryption=pick(list(Encryption), number),
            created_at=moment(number),
            updated_at=moment(number + 1),
            deleted_at=moment(number + 2) if number >= TEMPLATES - 2 else None,
        )


def categories(made: Rows, tenant: str) -> None:
    for number in range(TEMPLATES):
        parent = key(tenant, "category", number - 1) if number % 3 else None
        made.add(
            Category,
            id=key(tenant, "category", number),
            account_id=key(tenant, "account"),
            parent_id=parent,
            number=number + 1,
            name=pick(values.TITLES, 2 * number),
            created_at=moment(number),
            updated_at=moment(number + 3),
        )


def rules(made: Rows, tenant: str) -> None:
    """Of one template more each time; the first chooses none."""
    for number in range(TEMPLATES):
        id = key(tenant, "rule", number)
        made.add(
            TranscodeRule,
            id=id,
            account_id=key(tenant, "account"),
            source_type=pick(values.TEXTS[:20], number),
            category_id=key(tenant, "category", number) if number % 2 else None,
            enabled=number % 3 > 0,
            created_at=moment(number),
            updated_at=moment(number + 1),
        )
        for position in range(number):
            template = key(tenant, "template", position)
            made.add(RuleTemplate, rule_id=id, template_id=template, position=number - position)
