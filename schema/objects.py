"""Files that an account keeps in the store, whatever is made of them."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, ClassVar, cast

import strawberry
from strawberry import UNSET

from db import models
from db.rows import Rows
from domain.paging import Window
from resolvers import objects
from resolvers.context import Context
from schema import nodes
from schema.connections import connection
from schema.errors import ExpectedErrors, MutationPayload
from schema.execution.fields import relation
from schema.ids import decode_batch
from schema.info import Info
from schema.nodes import Node
from schema.scalars import Bytes, Sha256, Upload


@strawberry.type(
    description="A file of yours in the store. The same bytes are one object, however often you"
    " send them."
)
class StoredObject(Node):
    model: ClassVar = models.StoredObject

    storage_id: str = strawberry.field(description="Short id, for `createVideo` and for people.")
    file_name: str | None = strawberry.field(
        description="Name of the file when it was first sent; null when none was given."
    )
    content_type: str = strawberry.field(description="Media type that it was sent with.")
    file_size: Bytes = strawberry.field(description="Its bytes.")
    sha256: Sha256 = strawberry.field(description="Digest of its bytes.")
    created_at: datetime = strawberry.field(description="When it was first stored.")


nodes.register(StoredObject)


@strawberry.type
class ObjectQuery:
    @relation(
        StoredObject | None,
        description="One stored object of yours; null when there is none with this id.",
    )
    @staticmethod
    def stored_object(
        ctx: Context,
        storage_id: Annotated[str, strawberry.argument(description="Its `storageId`.")],
    ) -> Rows | None:
        return objects.by_storage_id(ctx, storage_id)

    @connection(StoredObject, description="Your stored objects, newest first.")
    @staticmethod
    def stored_objects(ctx: Context, window: Window) -> Rows:
        return objects.page(ctx, window)


@strawberry.input(description="A small file to be kept, such as a cover.")
class UploadObjectInput:
    file: Upload = strawberry.field(
        description="The file, by the GraphQL multipart request specification; `limits` has the"
        " most bytes."
    )
    sha256: Sha256 | None = strawberry.field(
        default=UNSET, description="Digest of its bytes, to be checked while they arrive."
    )
    file_name: str | None = strawberry.field(
        default=UNSET, description="Another name than the file's own, up to 255 characters."
    )


@strawberry.type(description="The stored object.")
class StoredObjectPayload(MutationPayload):
    stored_object: StoredObject | None = strawberry.field(
        default=None, description="The object; null when there are errors."
    )


@strawberry.type(description="What was deleted.")
class DeletePayload(MutationPayload):
    deleted_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list[strawberry.ID], description="Ids of what is gone; empty after errors."
    )


@strawberry.type
class ObjectMutation:
    @strawberry.mutation(
        description="Keep a small file. For larger ones open an upload session with the purpose"
        " OBJECT.",
        extensions=[ExpectedErrors(StoredObjectPayload)],
    )
    async def upload_object(
        self,
        info: Info,
        input: Annotated[UploadObjectInput, strawberry.argument(description="The file.")],
    ) -> StoredObjectPayload:
        file = replace(input.file, name=input.file_name or input.file.name)
        row = await objects.store(info.context, file, sha256=input.sha256 or None)
        return StoredObjectPayload(stored_object=cast("StoredObject", row))

    @strawberry.mutation(
        description="Give up stored objects: all of them, or none when a video is made of one."
        " Their bytes are removed once nobody has them any more.",
        extensions=[ExpectedErrors(DeletePayload)],
    )
    async def delete_objects(
        self,
        info: Info,
        ids: Annotated[
            list[strawberry.ID], strawberry.argument(description="Their ids; up to 500.")
        ],
    ) -> DeletePayload:
        await objects.delete(info.context, decode_batch(ids, "StoredObject"))
        return DeletePayload(deleted_ids=ids)
