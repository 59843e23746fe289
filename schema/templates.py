"""Templates: how play sets are made; and the rules by which new videos get them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, ClassVar, Optional, cast
from uuid import UUID

import strawberry
from strawberry import UNSET

from db import models
from db.rows import Rows
from domain.own_templates import RuleForm, TemplateForm, check_chosen
from domain.paging import Window
from domain.templates import FIRST_OWN
from resolvers import categories, templates
from resolvers.context import Context
from schema import ids, nodes
from schema.categories import Category, key_of
from schema.connections import connection
from schema.enums import Codec, Encryption, Quality, Resolution
from schema.errors import ExpectedErrors, MutationPayload
from schema.execution.costs import LIST_SIZE, ListSize
from schema.execution.fields import column, computed, global_id, relation
from schema.info import Info
from schema.nodes import Node
from schema.objects import DeletePayload
from schema.optional import given


def _is_built_in(number: int) -> bool:
    return number < FIRST_OWN


@strawberry.type(
    description="How one play set of a video is made. What was made with a template refers to the"
    " form that it had then: once you change it, the former form has an id of its own."
)
class TranscodeTemplate(Node):
    model: ClassVar = models.Template

    id: strawberry.ID = global_id(
        ids.encode,
        column="public_id",
        description="Opaque, and unique over all types. It stays when the template is changed.",
    )
    template_id: int = column(
        "number", description="Its number, for people; built-in ones are below 1001."
    )
    name: str = strawberry.field(description="Name, 1 to 255 characters.")
    resolution: Resolution = strawberry.field(description="Which rung of the ladder it makes.")
    codec: Codec = strawberry.field(description="How the picture is encoded.")
    quality: Quality = strawberry.field(description="How much work that is.")
    video_bitrate: int | None = strawberry.field(
        description="Most bits per second of the picture; null: what is usual for the rung."
    )
    audio_bitrate: int | None = strawberry.field(
        description="Bits per second of the sound; null: 128000."
    )
    max_frame_rate: int | None = strawberry.field(
        description="Most frames per second; null: the source's own, up to 60."
    )
    encryption: Encryption = strawberry.field(description="Whether play sets are encrypted.")
    built_in: bool = computed(
        _is_built_in, "number", description="Whether everybody has it and nobody can change it."
    )
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it got this form or this name.")
    deleted_at: datetime | None = strawberry.field(
        description="When it was deleted or changed, after which nothing more is made with this"
        " form; null for one that can be used."
    )

    @relation(
        Optional[Annotated["TranscodeTemplate", strawberry.lazy("schema.templates")]],  # noqa: UP045
        of="replaced_by_id",
        description="The template in its present form, if this is a former one; else null.",
    )
    @staticmethod
    def replaced_by(ctx: Context) -> Rows:
        return templates.visible(ctx)


nodes.register(TranscodeTemplate)


@strawberry.type(
    description="Which templates a new video gets by itself. Of the rules that fit a video the"
    " most particular one counts: one for its category before one for its source type, one for"
    " a nearer category before one further up, and the newest of equals. Without a fitting rule"
    " a video gets 360P to 1080P and Origin, as far as its source is good for them."
)
class AutoTranscodeRule(Node):
    model: ClassVar = models.TranscodeRule

    source_type: str | None = strawberry.field(
        description="Only for videos with this `sourceType`; null: with any or none."
    )
    enabled: bool = strawberry.field(description="Whether it counts.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")

    @strawberry.field(
        description="What is made; nothing if there are none. Templates that a source is too"
        " small for are left out; if none is left, the lowest makes the source's own size.",
        metadata={LIST_SIZE: ListSize(6)},
    )
    @staticmethod
    async def templates(
        root: strawberry.Parent[models.TranscodeRule], info: Info
    ) -> list[TranscodeTemplate]:
        return cast("list[TranscodeTemplate]", await templates.of_rule(info.context, root))

    @relation(
        Category | None,
        of="category_id",
        description="Only for videos in this category or below it; null: in any. The rule goes when"
        " the category is deleted.",
    )
    @staticmethod
    def category(ctx: Context) -> Rows:
        return categories.own(ctx)


nodes.register(AutoTranscodeRule)


@strawberry.type
class TemplateQuery:
    @connection(
        TranscodeTemplate,
        description="The templates that you can use, by number: built-in ones, then your own.",
    )
    @staticmethod
    def transcode_templates(ctx: Context, window: Window) -> Rows:
        return templates.page(ctx, window)

    @connection(AutoTranscodeRule, description="Your rules, newest first.")
    @staticmethod
    def auto_transcode_rules(ctx: Context, window: Window) -> Rows:
        return templates.rule_page(ctx, window)


@strawberry.input(
    description="What a template is to be, as a whole: what is left out is as it says here, also"
    " for one that is changed."
)
class SaveTranscodeTemplateInput:
    name: str = strawberry.field(description="Name, 1 to 255 characters.")
    resolution: Resolution = strawberry.field(
        description="Which rung of the ladder. ORIGIN copies: it can be encrypted, and nothing"
        " else about it can be chosen."
    )
    id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="Id of the template to change; without it, a new one is made."
    )
    codec: Codec = strawberry.field(
        default=Codec.H264, description="How the picture is to be encoded."
    )
    quality: Quality = strawberry.field(default=Quality.FAST, description="How much work to do.")
    video_bitrate: int | None = strawberry.field(
        default=UNSET,
        description="Most bits per second of the picture, 50000 to 100000000; without it, what is"
        " usual for the rung.",
    )
    audio_bitrate: int | None = strawberry.field(
        default=UNSET,
        description="Bits per second of the sound, 32000 to 512000; 128000 without it.",
    )
    max_frame_rate: int | None = strawberry.field(
        default=UNSET, description="Most frames per second, 1 to 60; the source's without it."
    )
    encryption: Encryption = strawberry.field(
        default=Encryption.NONE, description="Whether play sets are to be encrypted."
    )


@strawberry.input(description="What a rule is to say, as a whole, also if it is changed.")
class SaveAutoTranscodeRuleInput:
    template_ids: list[strawberry.ID] = strawberry.field(
        description="Ids of the templates that new videos are to get, at most 20; none, and"
        " nothing is made."
    )
    id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="Id of the rule to change; without it, a new one is made."
    )
    source_type: str | None = strawberry.field(
        default=UNSET,
        description="Only for videos with this `sourceType`, up to 64 characters; without it, for"
        " any.",
    )
    category_id: strawberry.ID | None = strawberry.field(
        default=UNSET,
        description="Only for videos in this category or below it; without it, in any.",
    )
    enabled: bool = strawberry.field(default=True, description="Whether it is to count.")


@strawberry.type(description="The template as it is now.")
class TranscodeTemplatePayload(MutationPayload):
    template: TranscodeTemplate | None = strawberry.field(
        default=None, description="The template; null when there are errors."
    )


@strawberry.type(description="The rule as it is now.")
class AutoTranscodeRulePayload(MutationPayload):
    rule: AutoTranscodeRule | None = strawberry.field(
        default=None, description="The rule; null when there are errors."
    )


def _form(input: SaveTranscodeTemplateInput) -> TemplateForm:
    return TemplateForm(
        name=input.name,
        resolution=Resolution(input.resolution),
        codec=Codec(input.codec),
        quality=Quality(input.quality),
        video_bitrate=given(input.video_bitrate),
        audio_bitrate=given(input.audio_bitrate),
        max_frame_rate=given(input.max_frame_rate),
        encryption=Encryption(input.encryption),
    )


def template_keys(given: Sequence[strawberry.ID]) -> list[UUID]:
    """The keys of a mutation's `templateIds`."""
    check_chosen(given)
    return [
        ids.decode(one, "TranscodeTemplate", path=("templateIds", str(at)))
        for at, one in enumerate(given)
    ]


@strawberry.type
class TemplateMutation:
    @strawberry.mutation(
        description="Make a template, or change one of your own. It keeps its id and number, and"
        " rules go on with it; what is made from then on has the new form. Play sets that were"
        " made, or are being made, stay as they are and refer to the former form;"
        " `transcodeVideo` with the template replaces them, without `redo`. `limits` has how"
        " many templates there may be.",
        extensions=[ExpectedErrors(TranscodeTemplatePayload)],
    )
    async def save_transcode_template(
        self,
        info: Info,
        input: Annotated[
            SaveTranscodeTemplateInput, strawberry.argument(description="The template.")
        ],
    ) -> TranscodeTemplatePayload:
        form, key = _form(input), ids.decode_optional(input.id, "TranscodeTemplate")
        if key is None:
            row = await templates.add(info.context, form)
        else:
            row = await templates.change(info.context, key, form)
        return TranscodeTemplatePayload(template=cast("TranscodeTemplate", row))

    @strawberry.mutation(
        description="Delete a template of your own, so that nothing more is made with it. What"
        " was made, or is being made, stays. TEMPLATE_IN_USE: a rule chooses it.",
        extensions=[ExpectedErrors(DeletePayload)],
    )
    async def delete_transcode_template(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="Id of the template.")],
    ) -> DeletePayload:
        await templates.delete(info.context, ids.decode(id, "TranscodeTemplate"))
        return DeletePayload(deleted_ids=[id])

    @strawberry.mutation(
        description="Make a rule, or change one. Videos that are there already stay as they are."
        " `limits` has how many rules there may be.",
        extensions=[ExpectedErrors(AutoTranscodeRulePayload)],
    )
    async def save_auto_transcode_rule(
        self,
        info: Info,
        input: Annotated[SaveAutoTranscodeRuleInput, strawberry.argument(description="The rule.")],
    ) -> AutoTranscodeRulePayload:
        form = RuleForm(
            template_ids=template_keys(input.template_ids),
            source_type=input.source_type or None,
            category_id=key_of(input.category_id),
            enabled=input.enabled,
        )
        key = ids.decode_optional(input.id, "AutoTranscodeRule")
        row = await templates.save_rule(info.context, key, form)
        return AutoTranscodeRulePayload(rule=cast("AutoTranscodeRule", row))

    @strawberry.mutation(
        description="Delete a rule. Videos that are there already stay as they are.",
        extensions=[ExpectedErrors(DeletePayload)],
    )
    async def delete_auto_transcode_rule(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="Id of the rule.")],
    ) -> DeletePayload:
        await templates.delete_rule(info.context, ids.decode(id, "AutoTranscodeRule"))
        return DeletePayload(deleted_ids=[id])
