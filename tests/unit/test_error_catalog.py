"""Our error codes, and the numbers of older systems."""

from collections import Counter

from domain.error_catalog import CATALOG
from domain.error_codes import ErrorCode
from domain.legacy_codes import FAILURES, LegacySystem

VOD = {
    *range(3101, 3109),
    *range(3111, 3115),
    *range(3121, 3128),
    *range(3131, 3136),
    *range(3141, 3145),
    *range(3151, 3154),
    *range(3161, 3165),
}
OPEN_API = {
    400: {
        "sign can not be empty.",
        "the sign is not right.",
        "ptime is too old",
        "ptime is too old.",
        "ptime is illegal.",
        "Could not find user by userid.",
        "vid count can't over 500",
        "只能修改“已发布”状态的视频为禁播状态",
        "只能修改“已禁播”状态的视频为已发布状态",
        "TaskId is null!",
        "cataid为空.",
        "请先选择目标视频.",
        "日期格式错误.",
    },
    401: {"vid为空."},
    402: {"cataid格式出错.", "两个cataid不能相同.", "不能移动到自己的父亲节点."},
    403: {"用户的视频下找不到该视频."},
    410: {"vid is blank."},
    411: {"timeFrame is blank."},
    412: {"vid doesn't exist."},
    413: {"illegal timeFrames."},
    414: {"timeFrames's size exceed 5."},
    415: {"illegal timeFrames."},
    416: {"illegal timeFrames."},
    417: {"illegal timeFrames."},
    418: {"inital clip task filed."},
    419: {"inital clip task filed."},
    500: {
        "save clip task failed.",
        "query failed.",
        "查询出错.",
        "获取失败,请查看后台日志.",
    },
}


def test_every_code_of_ours_has_a_line() -> None:
    """One that is missing needs a line in domain/error_catalog.py."""
    assert [code.name for code in ErrorCode if code not in CATALOG] == []


def test_every_number_of_the_documents_is_there() -> None:
    vod = [one for one in FAILURES if one.system is LegacySystem.VOD]
    assert sorted(one.code for one in vod) == sorted(VOD)
    api = [(one.code, one.message) for one in FAILURES if one.system is LegacySystem.OPEN_API]
    wanted = [(code, message) for code, messages in OPEN_API.items() for message in messages]
    assert sorted(api) == sorted(wanted)
    assert len(vod) + len(api) == len(FAILURES)


def test_every_number_stands_for_exactly_one_code() -> None:
    used = Counter(one for entry in CATALOG.values() for one in entry.numbers)
    assert [one for one, times in used.items() if times > 1] == []
    assert [one for one in FAILURES if one not in used] == []


def test_main_numbers_are_numbers_of_the_documents() -> None:
    known = {one.code for one in FAILURES}
    assert {entry.main for entry in CATALOG.values()} - known == {None}


def test_the_main_number_is_the_first_of_its_own() -> None:
    owned = {code: entry for code, entry in CATALOG.items() if entry.numbers}
    assert [entry.main for entry in owned.values()] == [
        entry.numbers[0].code for entry in owned.values()
    ]
    assert CATALOG[ErrorCode.NOT_FOUND].main == 3102
    assert CATALOG[ErrorCode.CLIP_TOO_MANY_SEGMENTS].main == 414


def test_sentences_are_whole_and_chinese() -> None:
    wrong = [
        code
        for code, entry in CATALOG.items()
        if not entry.chinese.endswith("。") or entry.chinese.isascii()
    ]
    assert wrong == []
