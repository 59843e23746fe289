"""The recycle bin."""

import strawberry

from resolvers import trash
from schema import batches
from schema.batches import BY_IDS, USUAL, Ids, Policy, VideoBatchPayload
from schema.errors import ExpectedErrors
from schema.info import Info


@strawberry.type
class TrashMutation:
    @strawberry.mutation(
        description="Put videos into the recycle bin. From that moment nobody can play them, what"
        " is being made of them is cancelled, and an upload that still brings one is given up."
        " They leave `videos`, and for `limits.trashDays` days `restoreVideos` brings them back."
        " INVALID_STATE: it is there already.",
        extensions=[ExpectedErrors(VideoBatchPayload)],
        metadata=BY_IDS,
    )
    async def delete_videos(
        self, info: Info, ids: Ids, policy: Policy = USUAL
    ) -> VideoBatchPayload:
        return batches.payload(await trash.delete(info.context, ids, policy=policy))

    @strawberry.mutation(
        description="Take videos out of the recycle bin. Each is what it was before, and what was"
        " being made of it begins again. One whose file had not arrived is UPLOAD_FAILED."
        " INVALID_STATE: it is not there. DUPLICATE_CONTENT: another video has its `sourceType` and"
        " `sourceId` by now.",
        extensions=[ExpectedErrors(VideoBatchPayload)],
        metadata=BY_IDS,
    )
    async def restore_videos(
        self, info: Info, ids: Ids, policy: Policy = USUAL
    ) -> VideoBatchPayload:
        return batches.payload(await trash.restore(info.context, ids, policy=policy))

    @strawberry.mutation(
        description="Remove videos in the recycle bin for good, as happens by itself at their"
        " `purgeAt`. Their files go, too, but for those that another video has, and stored objects"
        " that you made them of by `createVideo`. INVALID_STATE: it is not there.",
        extensions=[ExpectedErrors(VideoBatchPayload)],
        metadata=BY_IDS,
    )
    async def purge_videos(self, info: Info, ids: Ids, policy: Policy = USUAL) -> VideoBatchPayload:
        return batches.payload(await trash.purge(info.context, ids, policy=policy))
