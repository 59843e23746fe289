"""Expected failures as GraphQL types, and how mutations return them."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import singledispatch
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, cast
from uuid import UUID

import strawberry
from strawberry.extensions.field_extension import FieldExtension

from domain import error_catalog
from domain.errors import (
    ChecksumMismatch,
    ChunksMissing,
    DomainError,
    DuplicateContent,
    InvalidState,
    LimitExceeded,
    NotFound,
    TemplateInUse,
    Unauthenticated,
)
from resolvers import templates, videos
from schema import ids
from schema.error_codes import ErrorCode
from schema.execution.costs import LIST_SIZE, ListSize
from schema.info import Info
from schema.scalars import Bytes, Sha256

if TYPE_CHECKING:
    from schema.templates import AutoTranscodeRule
    from schema.videos import Video

Rule: TypeAlias = Annotated["AutoTranscodeRule", strawberry.lazy("schema.templates")]
Existing: TypeAlias = Annotated["Video", strawberry.lazy("schema.videos")] | None
Next = Callable[..., Awaitable[object]]


@strawberry.interface(description="Why a mutation changed nothing, for a program to act on.")
class UserError:
    code: ErrorCode = strawberry.field(description="Stable name of the failure.")
    message: str = strawberry.field(description="A whole English sentence for the developer.")
    path: list[str] = strawberry.field(
        description="Where in the input the fault is; empty when it is not in one place."
    )

    @strawberry.field(
        description="The number that clients of older systems take it for: see `errorCatalog`."
    )
    def legacy_code(self) -> int | None:
        return error_catalog.main_number(self.code)


@strawberry.type(description="A failure without further details.")
class GenericError(UserError):
    pass


@strawberry.type(description="Some ids name nothing, or nothing of yours.")
class NotFoundError(UserError):
    ids: list[strawberry.ID] = strawberry.field(description="Those ids, as you sent them.")


@strawberry.type(description="The thing is in a state that does not allow this.")
class InvalidStateError(UserError):
    current_state: str = strawberry.field(description="The state that it is in.")
    allowed_states: list[str] = strawberry.field(description="The states that would allow it.")


@strawberry.type(description="A value is above a limit.")
class LimitExceededError(UserError):
    limit: Bytes = strawberry.field(description="The largest allowed value.")
    actual: Bytes = strawberry.field(description="The value that you sent.")


@strawberry.type(description="The upload cannot complete: some chunks have not arrived.")
class ChunksMissingError(UserError):
    missing_chunks: list[int] = strawberry.field(
        description="Their indexes, ascending; the first 1000 of them."
    )


@strawberry.type(description="The bytes are not those that were announced.")
class ChecksumMismatchError(UserError):
    expected: Sha256 = strawberry.field(description="The digest that was announced.")
    actual: Sha256 = strawberry.field(description="The digest that was found or sent.")


@strawberry.type(description="There is a video of this source already.")
class DuplicateContentError(UserError):
    video_id: strawberry.Private[UUID]

    @strawberry.field(description="That video; null when it has gone since.")
    async def existing_video(self, info: Info) -> Existing:
        row = await info.context.load.row(videos.own(info.context), self.video_id)
        return cast("Existing", row)


@strawberry.type(description="Rules choose the template: change or delete them first.")
class TemplateInUseError(UserError):
    rule_ids: strawberry.Private[list[UUID]]

    @strawberry.field(
        description="The rules that choose it, the oldest first.", metadata={LIST_SIZE: ListSize(3)}
    )
    async def rules(self, info: Info) -> list[Rule]:
        ctx = info.context
        wish = templates.own_rules(ctx)
        rows = await asyncio.gather(*(ctx.load.row(wish, id) for id in self.rule_ids))
        return cast("list[Rule]", [row for row in rows if row is not None])


ERROR_TYPES = (
    GenericError,
    NotFoundError,
    InvalidStateError,
    LimitExceededError,
    ChunksMissingError,
    ChecksumMismatchError,
    DuplicateContentError,
    TemplateInUseError,
)

_MISSING_SHOWN = 1_000


def _common(failure: DomainError) -> dict[str, Any]:
    return {"code": failure.code, "message": str(failure), "path": list(failure.path)}


@singledispatch
def error_from(failure: DomainError) -> UserError:
    """The GraphQL twin of a domain error; one without a twin of its own is generic."""
    return GenericError(**_common(failure))


@error_from.register
def _(failure: NotFound) -> UserError:
    id = failure.id if isinstance(failure.id, str) else ids.encode(failure.kind, failure.id)
    return NotFoundError(**_common(failure), ids=[strawberry.ID(id)])


@error_from.register
def _(failure: InvalidState) -> UserError:
    return InvalidStateError(
        **_common(failure), current_state=failure.current, allowed_states=failure.allowed
    )


@error_from.register
def _(failure: LimitExceeded) -> UserError:
    return LimitExceededError(
        **_common(failure), limit=Bytes(failure.limit), actual=Bytes(failure.actual)
    )


@error_from.register
def _(failure: ChunksMissing) -> UserError:
    return ChunksMissingError(**_common(failure), missing_chunks=failure.missing[:_MISSING_SHOWN])


@error_from.register
def _(failure: ChecksumMismatch) -> UserError:
    return ChecksumMismatchError(
        **_common(failure), expected=Sha256(failure.expected), actual=Sha256(failure.actual)
    )


@error_from.register
def _(failure: DuplicateContent) -> UserError:
    return DuplicateContentError(**_common(failure), video_id=failure.video_id)


@error_from.register
def _(failure: TemplateInUse) -> UserError:
    return TemplateInUseError(**_common(failure), rule_ids=failure.rule_ids)


@strawberry.interface(description="What every mutation returns.")
class MutationPayload:
    user_errors: list[UserError] = strawberry.field(
        metadata={LIST_SIZE: ListSize(3)},
        default_factory=list[UserError],
        description="Why nothing changed; empty after success.",
    )


class ExpectedErrors(FieldExtension):
    """Turns a `DomainError` of a mutation into the `userErrors` of its payload.

    A missing API key is no matter of one mutation: it stays an error of the whole request.
    """

    def __init__(self, payload: type[MutationPayload]) -> None:
        self._payload = payload

    async def resolve_async(
        self,
        next_: Next,
        source: Any,  # noqa: ANN401  (the signature is Strawberry's)
        info: Info,
        **kwargs: Any,  # noqa: ANN401
    ) -> object:
        try:
            return await next_(source, info, **kwargs)
        except Unauthenticated:
            raise
        except DomainError as failure:
            return self._payload(user_errors=[error_from(failure)])
