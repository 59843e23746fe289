"""The catalogue of errors: every code, in two languages and in the numbers of older systems."""

from functools import cache
from typing import cast

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from domain import error_catalog, legacy_codes
from domain.legacy_codes import LegacySystem
from schema.enums import publish
from schema.error_codes import ErrorCode
from schema.execution.costs import LIST_SIZE, ListSize

publish(
    LegacySystem,
    "An older system with numbers of its own. New values may be added.",
    {
        LegacySystem.UPLOAD: "The upload service: `code` 10000 is success.",
        LegacySystem.VOD: "The video-on-demand service: `errcode` 1000 is success.",
        LegacySystem.OPEN_API: "The signed API of bans, clips, fetches and categories: `code` 200"
        " is success.",
        LegacySystem.CALLBACK: "The upload callback: `code` 200 is success.",
    },
)


@strawberry.type(description="A number by which an older system answers.")
class LegacyCode:
    system: LegacySystem = strawberry.field(description="Whose number it is.")
    code: int = strawberry.field(description="The number. One may have several messages.")
    message: str = strawberry.field(
        description="Its message, to the letter as that system sends it, in Chinese or English."
    )
    meaning_en: str = strawberry.field(description="What it means, in English.")
    meaning_zh: str = strawberry.field(description="What it means, in Chinese.")


@strawberry.type(description="A code of ours, and what it means.")
class ErrorCodeInfo:
    code: ErrorCode = strawberry.field(description="The code.")
    description_en: str = strawberry.field(description="What it means, in English.")
    description_zh: str = strawberry.field(description="What it means, in Chinese.")
    retryable: bool = strawberry.field(
        description="Whether the same request may succeed later, without any change."
    )
    legacy_code: int | None = strawberry.field(
        description="`UserError.legacyCode` of it: the number that older systems have for it, or"
        " for what is nearest; null without one."
    )
    legacy_codes: list[LegacyCode] = strawberry.field(
        description="The numbers of older systems that it stands for. Each of them stands for"
        " one code only.",
        metadata={LIST_SIZE: ListSize(2)},
    )


def _legacy(one: legacy_codes.LegacyCode) -> LegacyCode:
    return LegacyCode(
        system=one.system,
        code=one.code,
        message=one.message,
        meaning_en=one.meaning_en,
        meaning_zh=one.meaning_zh,
    )


@cache
def _catalog() -> list[ErrorCodeInfo]:
    definition: StrawberryEnumDefinition = vars(ErrorCode)["__strawberry_definition__"]
    english = {one.name: cast("str", one.description) for one in definition.values}
    return [_info(code, english[code.name]) for code in ErrorCode]


def _info(code: ErrorCode, english: str) -> ErrorCodeInfo:
    entry = error_catalog.CATALOG[code]
    return ErrorCodeInfo(
        code=code,
        description_en=english,
        description_zh=entry.chinese,
        retryable=entry.retryable,
        legacy_code=entry.main,
        legacy_codes=[_legacy(one) for one in entry.numbers],
    )


@strawberry.type
class ErrorCatalogQuery:
    @strawberry.field(
        description="Every code of an error, in the order of `ErrorCode`. It changes only with the"
        " version of the server.",
        metadata={LIST_SIZE: ListSize(len(ErrorCode))},
    )
    @staticmethod
    def error_catalog() -> list[ErrorCodeInfo]:
        return _catalog()

    @strawberry.field(
        description="What older systems answer when nothing went wrong; here `userErrors` is empty"
        " then.",
        metadata={LIST_SIZE: ListSize(len(legacy_codes.SUCCESS))},
    )
    @staticmethod
    def legacy_success_codes() -> list[LegacyCode]:
        return [_legacy(one) for one in legacy_codes.SUCCESS]
