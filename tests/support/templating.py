"""Templates, rules, categories and transcoding as a client uses them, one step a function."""

from typing import Any
from uuid import UUID

from domain.templates import BUILT_IN
from schema import ids
from tests.support.api import Api

ERRORS = """
    userErrors {
      __typename code message path
      ... on LimitExceededError { limit actual }
      ... on NotFoundError { ids }
      ... on InvalidStateError { currentState }
      ... on TemplateInUseError { rules { id } }
    }
"""
TEMPLATE = """
  id templateId name resolution codec quality videoBitrate audioBitrate maxFrameRate
  encryption builtIn
"""
SAVE_TEMPLATE = f"""
mutation ($input: SaveTranscodeTemplateInput!) {{
  saveTranscodeTemplate(input: $input) {{ template {{ {TEMPLATE} }} {ERRORS} }}
}}
"""
DELETE_TEMPLATE = f"""
mutation ($id: ID!) {{ deleteTranscodeTemplate(id: $id) {{ deletedIds {ERRORS} }} }}
"""
SAVE_RULE = f"""
mutation ($input: SaveAutoTranscodeRuleInput!) {{
  saveAutoTranscodeRule(input: $input) {{
    rule {{ id sourceType enabled category {{ id }} templates {{ id }} }} {ERRORS}
  }}
}}
"""
DELETE_RULE = f"""
mutation ($id: ID!) {{ deleteAutoTranscodeRule(id: $id) {{ deletedIds {ERRORS} }} }}
"""
SAVE_CATEGORY = f"""
mutation ($input: SaveCategoryInput!) {{
  saveCategory(input: $input) {{ category {{ id name parent {{ id }} }} {ERRORS} }}
}}
"""
TRANSCODE = f"""
mutation ($input: TranscodeVideoInput!) {{
  transcodeVideo(input: $input) {{
    playSets {{ id resolution status encryption template {{ id }} task {{ id status }} }} {ERRORS}
  }}
}}
"""


def built_in(number: int) -> str:
    """The global id of a built-in template."""
    (found,) = [one for one in BUILT_IN if one.number == number]
    return ids.encode("TranscodeTemplate", found.id)


def global_id(name: str, key: UUID) -> str:
    return ids.encode(name, key)


async def save_template(api: Api, **input: Any) -> dict[str, Any]:
    """The whole payload."""
    values = {"name": "Mine", "resolution": "P720", **input}
    return (await api.run(SAVE_TEMPLATE, input=values))["saveTranscodeTemplate"]


async def template(api: Api, **input: Any) -> dict[str, Any]:
    """A template that was saved."""
    payload = await save_template(api, **input)
    assert payload["userErrors"] == []
    return payload["template"]


async def delete_template(api: Api, id: str) -> dict[str, Any]:
    return (await api.run(DELETE_TEMPLATE, id=id))["deleteTranscodeTemplate"]


async def save_rule(api: Api, *template_ids: str, **input: Any) -> dict[str, Any]:
    values = {"templateIds": list(template_ids), **input}
    return (await api.run(SAVE_RULE, input=values))["saveAutoTranscodeRule"]


async def rule(api: Api, *template_ids: str, **input: Any) -> dict[str, Any]:
    payload = await save_rule(api, *template_ids, **input)
    assert payload["userErrors"] == []
    return payload["rule"]


async def delete_rule(api: Api, id: str) -> dict[str, Any]:
    return (await api.run(DELETE_RULE, id=id))["deleteAutoTranscodeRule"]


async def save_category(api: Api, name: str = "Sports", **input: Any) -> dict[str, Any]:
    return (await api.run(SAVE_CATEGORY, input={"name": name, **input}))["saveCategory"]


async def category(api: Api, name: str = "Sports", **input: Any) -> dict[str, Any]:
    payload = await save_category(api, name, **input)
    assert payload["userErrors"] == []
    return payload["category"]


async def transcode(api: Api, id: str, *template_ids: str, redo: bool = False) -> dict[str, Any]:
    input = {"id": id, "templateIds": list(template_ids), "redo": redo}
    return (await api.run(TRANSCODE, input=input))["transcodeVideo"]


def codes(payload: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """What a payload refuses: the code and the place of each error."""
    return [(error["code"], error["path"]) for error in payload["userErrors"]]
