"""Protected playback: what an owner's server asks for, and whose pages may play."""

from typing import Annotated, cast

import strawberry
from strawberry import UNSET

from domain.batches import BatchPolicy
from domain.playback import TOKEN_TTL_SECONDS
from resolvers import playback, protection
from resolvers.playback import NewToken
from resolvers.protection import NewRules
from schema import batches, ids
from schema.accounts import Account
from schema.batches import VideoBatchPayload
from schema.errors import ExpectedErrors, MutationPayload
from schema.info import Info
from schema.optional import given
from schema.playback import PlaybackInfo
from schema.playback import info as shown
from schema.videos import Video, VideoPayload


@strawberry.input(description="What a playback token is to allow.")
class PlaybackTokenInput:
    viewer_id: str | None = strawberry.field(
        default=UNSET,
        description="Who is to play, as your own system names them, up to 64 characters; without"
        " it, nobody in particular.",
    )
    ip: str | None = strawberry.field(
        default=UNSET,
        description="The only IP address that may play, as we see the viewer; without it, any.",
    )
    ttl_seconds: int = strawberry.field(
        default=TOKEN_TTL_SECONDS, description="How long it holds: 10 to 86400 seconds."
    )
    single_use: bool = strawberry.field(
        default=False,
        description="Whether the master playlist can be fetched only once. Whoever does plays to"
        " the end, from the address that they did it from.",
    )


@strawberry.input(
    description="Whose pages and which networks may play your videos. What is left out stays."
)
class PlaybackRulesInput:
    referrers: list[str] | None = strawberry.field(
        default=UNSET,
        description="Hosts of pages that may play, at most 100, such as shop.example, or"
        " *.shop.example for all below it; an empty list is any.",
    )
    allow_empty_referrer: bool | None = strawberry.field(
        default=UNSET, description="Whether players that name no page may play, such as apps."
    )
    networks: list[str] | None = strawberry.field(
        default=UNSET,
        description="Networks of viewers that may play, at most 100, such as 203.0.113.0/24; an"
        " empty list is any.",
    )


@strawberry.type(description="A playback token, and the links that have it.")
class PlaybackTokenPayload(MutationPayload):
    token: str | None = strawberry.field(
        default=None, description="The token of `hlsUrl`; null when there are errors."
    )
    playback: PlaybackInfo | None = strawberry.field(
        default=None, description="The links; null when there are errors."
    )


@strawberry.type(description="The account as it is now.")
class AccountPayload(MutationPayload):
    account: Account | None = strawberry.field(
        default=None, description="The account; null when there are errors."
    )


def _token(input: PlaybackTokenInput) -> NewToken:
    return NewToken(
        viewer_id=given(input.viewer_id),
        ip=given(input.ip),
        ttl_seconds=input.ttl_seconds,
        single_use=input.single_use,
    )


@strawberry.type
class ProtectionMutation:
    @strawberry.mutation(
        description="Signed links to a video of yours for one viewer, for your own server to ask"
        " for. VIDEO_NOT_PLAYABLE: there is nothing to play; see `playability`.",
        extensions=[ExpectedErrors(PlaybackTokenPayload)],
    )
    async def create_playback_token(
        self,
        info: Info,
        video_id: Annotated[strawberry.ID, strawberry.argument(description="Id of the video.")],
        input: Annotated[
            PlaybackTokenInput | None, strawberry.argument(description="What it is to allow.")
        ] = UNSET,
    ) -> PlaybackTokenPayload:
        wanted = input or PlaybackTokenInput()
        key = ids.decode(video_id, "Video", path=("videoId",))
        links = await playback.create_token(info.context, key, _token(wanted))
        return PlaybackTokenPayload(token=links.token, playback=shown(links))

    @strawberry.mutation(
        description="End every link to a video that was given out until now. Whoever is playing it"
        " gets nothing more, within a second.",
        extensions=[ExpectedErrors(VideoPayload)],
    )
    async def revoke_playback(
        self,
        info: Info,
        video_id: Annotated[strawberry.ID, strawberry.argument(description="Id of the video.")],
    ) -> VideoPayload:
        key = ids.decode(video_id, "Video", path=("videoId",))
        return VideoPayload(video=cast("Video", await protection.revoke(info.context, key)))

    @strawberry.mutation(
        description="Choose whether viewers need a token of `createPlaybackToken` to play these"
        " videos, however they are shared. Whoever plays without one gets nothing more, within a"
        " second. INVALID_STATE: the video is DELETED.",
        extensions=[ExpectedErrors(VideoBatchPayload)],
        metadata=batches.BY_IDS,
    )
    async def set_auth_play(
        self,
        info: Info,
        ids: batches.Ids,
        enabled: Annotated[bool, strawberry.argument(description="Whether they need one.")],
        policy: batches.Policy = batches.USUAL,
    ) -> VideoBatchPayload:
        outcomes = await protection.set_auth_play(
            info.context, ids, enabled=enabled, policy=BatchPolicy(policy)
        )
        return batches.payload(outcomes)

    @strawberry.mutation(
        description="Choose whose pages and which networks may play your videos, whatever link"
        " they have. It counts within a second.",
        extensions=[ExpectedErrors(AccountPayload)],
    )
    async def set_playback_rules(
        self,
        info: Info,
        input: Annotated[PlaybackRulesInput, strawberry.argument(description="The rules.")],
    ) -> AccountPayload:
        new = NewRules(
            referrers=given(input.referrers),
            empty_referrer=given(input.allow_empty_referrer),
            networks=given(input.networks),
        )
        account = await protection.set_rules(info.context, new)
        return AccountPayload(account=cast("Account", account))
