"""Templates and the rules that choose them: which ones a caller has, and changes of them."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from db import accounts, templates
from db.models import Template, TranscodeRule
from db.rows import Rows
from db.session import WriteSession
from domain.errors import LimitExceeded, NotFound, TemplateBuiltIn, TemplateInUse
from domain.own_templates import MAX_RULES, MAX_TEMPLATES, RuleForm, TemplateForm
from domain.paging import Window
from resolvers import categories
from resolvers.context import Context


def visible(ctx: Context) -> Rows:
    """Built-in templates and the caller's own, also former ones, by their keys in the API."""
    return Rows.of(templates.TEMPLATES, by="public_id", usable_by=ctx.account_id)


def page(ctx: Context, window: Window) -> Rows:
    return Rows.of(
        templates.TEMPLATES,
        order=templates.BY_NUMBER,
        window=window,
        usable_by=ctx.account_id,
        deleted=False,
    )


def of_play_set(_ctx: Context) -> Rows:
    """Templates of play sets that are the caller's own."""
    return Rows.of(templates.TEMPLATES, by="id")


def own_rules(ctx: Context) -> Rows:
    """The caller's rules, by their keys."""
    return Rows.of(templates.RULES, by="id", account_id=ctx.account_id)


def rule_page(ctx: Context, window: Window) -> Rows:
    return Rows.of(
        templates.RULES,
        order=templates.NEWEST_FIRST,
        window=window,
        account_id=ctx.account_id,
    )


async def of_rule(ctx: Context, rule: TranscodeRule) -> Sequence[Any]:
    """Records of the templates that a rule of the caller's chooses, in its order."""
    chosen = await ctx.load.rows(Rows.of(templates.RULE_TEMPLATES, by="rule_id"), rule.id)
    wish = of_play_set(ctx)
    found = await asyncio.gather(*(ctx.load.row(wish, one.template_id) for one in chosen))
    return [one for one in found if one is not None]


async def add(ctx: Context, form: TemplateForm) -> Template:
    account_id, form = ctx.account_id, form.checked()
    async with ctx.services.db.write() as session:
        await accounts.lock(session, account_id)  # templates are counted one after the other
        actual = await templates.count(session, account_id) + 1
        if actual > MAX_TEMPLATES:
            raise LimitExceeded("The number of templates", limit=MAX_TEMPLATES, actual=actual)
        return await templates.save(session, Template(account_id=account_id, **asdict(form)))


async def change(ctx: Context, id: UUID, form: TemplateForm) -> Template:
    """Give a template another form. It keeps its id and number, and rules go on with it.

    What was made with the former form refers to that: see `db.templates.change`.
    """
    account_id, form = ctx.account_id, form.checked()
    async with ctx.services.db.write() as session:
        row = await _own(session, account_id, id)
        wanted = asdict(form)
        if any(getattr(row, name) != value for name, value in wanted.items() if name != "name"):
            return await templates.change(session, row, wanted)
        row.name = form.name
        return await templates.save(session, row)


async def delete(ctx: Context, id: UUID) -> None:
    """Let nothing new be made with a template; one that a rule chooses stays: `TemplateInUse`."""
    account_id = ctx.account_id
    async with ctx.services.db.write() as session:
        row = await _own(session, account_id, id)
        rules = await templates.rules_with(session, row.id)
        if rules:
            raise TemplateInUse(row.name, rules)
        await templates.remove(session, row.id)


async def _own(session: WriteSession, account_id: UUID, id: UUID) -> Template:
    """A template of the account's own; nobody changes it until the transaction ends."""
    await accounts.lock(session, account_id)
    row = await templates.present(session, account_id, id)
    if row is None:
        raise NotFound("TranscodeTemplate", id, path=["id"])
    if row.account_id is None:
        raise TemplateBuiltIn(row.name)
    return row


async def save_rule(ctx: Context, id: UUID | None, form: RuleForm) -> TranscodeRule:
    """Make a rule, or have it say something else."""
    account_id, form = ctx.account_id, form.checked()
    async with ctx.services.db.write() as session:
        await accounts.lock(session, account_id)  # whoever deletes a template waits
        row = await _rule(session, account_id, id)
        row.source_type, row.enabled = form.source_type, form.enabled
        row.category_id = await categories.check(session, account_id, form.category_id)
        chosen = await _chosen(session, account_id, form.template_ids)
        return await templates.save_rule(session, row, chosen)


async def _rule(session: WriteSession, account_id: UUID, id: UUID | None) -> TranscodeRule:
    if id is not None:
        found = await templates.rule(session, account_id, id)
        if found is None:
            raise NotFound("AutoTranscodeRule", id, path=["id"])
        return found
    actual = await templates.count_rules(session, account_id) + 1
    if actual > MAX_RULES:
        raise LimitExceeded("The number of rules", limit=MAX_RULES, actual=actual)
    return TranscodeRule(account_id=account_id)


async def _chosen(session: WriteSession, account_id: UUID, ids: Sequence[UUID]) -> list[UUID]:
    """The rows of the templates that have these keys in the API, each once."""
    known = await templates.usable(session, account_id, ids)
    for at, id in enumerate(ids):
        if id not in known:
            raise NotFound("TranscodeTemplate", id, path=["templateIds", str(at)])
    return [known[id].id for id in dict.fromkeys(ids)]


async def delete_rule(ctx: Context, id: UUID) -> None:
    async with ctx.services.db.write() as session:
        if not await templates.delete_rule(session, ctx.account_id, id):
            raise NotFound("AutoTranscodeRule", id, path=["id"])
