"""The catalogue of errors, and the numbers that errors carry."""

from graphql import GraphQLEnumType, GraphQLSchema

from domain.error_codes import ErrorCode
from schema.root import schema
from tests.support.api import Api

CATALOG = """
{ errorCatalog {
  code descriptionEn descriptionZh retryable legacyCode
  legacyCodes { system code message meaningEn meaningZh }
} }
"""


async def test_anybody_may_read_every_code(anonymous: Api) -> None:
    found = (await anonymous.run(CATALOG))["errorCatalog"]
    assert [one["code"] for one in found] == [code.name for code in ErrorCode]
    by_code = {one["code"]: one for one in found}
    assert by_code["CLIP_TOO_MANY_SEGMENTS"] == {
        "code": "CLIP_TOO_MANY_SEGMENTS",
        "descriptionEn": "The clip has too many segments.",
        "descriptionZh": "裁剪的时间段过多。",
        "retryable": False,
        "legacyCode": 414,
        "legacyCodes": [
            {
                "system": "OPEN_API",
                "code": 414,
                "message": "timeFrames's size exceed 5.",
                "meaningEn": "There are more than 5 segments.",
                "meaningZh": "timeFrame时间段超过5段",
            }
        ],
    }
    assert by_code["DUPLICATE_CONTENT"]["legacyCodes"][0]["message"] == (
        "媒体库已存在该视频,请勿重复上传"
    )
    assert by_code["STORAGE_BUSY"]["retryable"] is True
    assert by_code["CANCELLED"]["legacyCode"] is None


async def test_english_is_what_the_schema_says(anonymous: Api) -> None:
    inner = schema._schema
    assert isinstance(inner, GraphQLSchema)
    codes = inner.type_map["ErrorCode"]
    assert isinstance(codes, GraphQLEnumType)
    found = (await anonymous.run("{ errorCatalog { code descriptionEn } }"))["errorCatalog"]
    said = {name: one.description for name, one in codes.values.items()}
    assert {one["code"]: one["descriptionEn"] for one in found} == said


async def test_what_older_systems_answer_when_all_is_well(anonymous: Api) -> None:
    query = "{ legacySuccessCodes { system code message } }"
    found = (await anonymous.run(query))["legacySuccessCodes"]
    assert [list(one.values()) for one in found] == [
        ["UPLOAD", 10000, "success"],
        ["VOD", 1000, "OK"],
        ["OPEN_API", 200, "success"],
        ["CALLBACK", 200, "success"],
    ]


async def test_errors_carry_the_main_number(api: Api) -> None:
    query = """mutation ($input: CreateVideoInput!) { createVideo(input: $input) {
      userErrors { __typename code legacyCode ... on NotFoundError { legacyCode } } } }"""
    input = {"storageId": "nothing", "sourceType": "cms", "sourceId": "1"}
    (error,) = (await api.run(query, input=input))["createVideo"]["userErrors"]
    assert error == {"__typename": "NotFoundError", "code": "NOT_FOUND", "legacyCode": 3102}


async def test_an_error_without_a_number_of_its_own_has_the_nearest(api: Api) -> None:
    query = """mutation ($input: CreateFetchInput!) { createFetch(input: $input) {
      userErrors { code legacyCode } } }"""
    input = {"source": {"items": [{"url": "http://films.example:22/a"}]}}
    (error,) = (await api.run(query, input=input))["createFetch"]["userErrors"]
    assert error == {"code": "URL_NOT_ALLOWED", "legacyCode": 3113}
