"""Every number by which older systems answer, with the message that their clients compare.

The messages are as their documents have them, in Chinese or English, mistakes included. The
meanings are ours, in both languages; the Chinese ones are the documents' own where there is one.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class LegacySystem(StrEnum):
    """Which of the older systems a number is one of: the same number means other things in each."""

    UPLOAD = "upload"
    VOD = "vod"
    OPEN_API = "open_api"
    CALLBACK = "callback"


@dataclass(frozen=True, slots=True)
class LegacyCode:
    system: LegacySystem
    code: int
    message: str
    meaning_en: str
    meaning_zh: str


SUCCESS: Final = (
    LegacyCode(LegacySystem.UPLOAD, 10000, "success", "Done.", "成功"),
    LegacyCode(LegacySystem.VOD, 1000, "OK", "Done.", "正常"),
    LegacyCode(LegacySystem.OPEN_API, 200, "success", "Done.", "提交成功"),
    LegacyCode(LegacySystem.CALLBACK, 200, "success", "Done.", "成功"),
)
"""What they answer when nothing went wrong."""

_VOD: Final = {
    3101: ("参数不合法", "An argument cannot be used."),
    3102: ("找不到该文件", "The file is not there."),
    3103: ("视频正在上传", "The video is being uploaded."),
    3104: ("视频上传失败", "The upload of the video failed."),
    3105: ("视频已有正在进行的或已完成的转码", "The video is being transcoded, or was."),
    3106: ("媒体库已存在该视频,请勿重复上传", "The library has this video already."),
    3107: ("该文件上传失败,请重新上传", "The upload of the file failed; upload it again."),
    3108: ("访问拒绝", "Access was denied."),
    3111: ("内部错误:无法创建转码任务", "Internal: no transcoding task could be made."),
    3112: ("内部错误:无法删除转码任务", "Internal: the transcoding task could not be deleted."),
    3113: ("内部错误:从 URL 上传文件失败", "Internal: the file could not be fetched from its URL."),
    3114: ("内部错误:创建临时文件失败", "Internal: no temporary file could be made."),
    3121: ("插入视频失败", "The video could not be added."),
    3122: ("查询单个视频失败", "The video could not be read."),
    3123: ("修改视频失败", "The video could not be changed."),
    3124: ("删除视频失败", "The video could not be deleted."),
    3125: ("查询视频列表失败", "The list of videos could not be read."),
    3126: ("检查 storage ID 是否存在失败", "Whether the storage id exists could not be found out."),
    3127: ("获取视频大小之和失败", "The size of all videos could not be read."),
    3131: ("插入视频具体数据失败", "The details of the video could not be added."),
    3132: ("查询单个视频具体数据失败", "The details of the video could not be read."),
    3133: ("修改视频具体数据失败", "The details of the video could not be changed."),
    3134: ("删除视频具体数据失败", "The details of the video could not be deleted."),
    3135: ("查询视频具体数据列表失败", "The details of the videos could not be read."),
    3151: ("保存转码配置失败", "The transcoding rule could not be saved."),
    3152: ("删除转码配置失败", "The transcoding rule could not be deleted."),
    3153: ("获取转码配置列表失败", "The transcoding rules could not be read."),
    3161: ("数据库错误:获取点播总流量失败", "Database: the total traffic could not be read."),
    3162: ("数据库错误:列出点播总流量失败", "Database: the total traffic could not be listed."),
    3163: ("数据库错误:列出用户每日流量失败", "Database: daily traffic could not be listed."),
    3164: ("数据库错误:获取用户点播总流量失败", "Database: a user's traffic could not be read."),
}
_VOD_IN_ENGLISH: Final = {
    3141: ("add video key description failed", "添加视频打点描述失败"),
    3142: ("modify video key description failed", "修改视频打点描述失败"),
    3143: ("get video key description failed", "查询视频打点描述失败"),
    3144: ("delete video key description failed", "删除视频打点描述失败"),
}
_SIGNATURE: Final = (
    (400, "sign can not be empty.", "The signature is empty.", "加密串为空"),
    (400, "the sign is not right.", "The signature is wrong.", "加密串不正确"),
    (400, "ptime is too old", "The time is more than 3 minutes old.", "时间戳过期"),
    (400, "ptime is too old.", "The time is more than 3 minutes old.", "时间戳过期"),
    (
        400,
        "ptime is illegal.",
        "The time is no time, or 3 minutes ahead.",
        "时间戳参数格式不对或者超过当前时间3分钟",
    ),
    (400, "Could not find user by userid.", "There is no such user.", "userid不存在"),
)
_OPEN_API: Final = (
    *_SIGNATURE,
    (400, "vid count can't over 500", "More than 500 videos.", "一次最多只能操作500个vid"),
    (
        400,
        "只能修改“已发布”状态的视频为禁播状态",
        "Only a published video can be banned.",
        "只能修改“已发布”状态的视频为禁播状态",
    ),
    (
        400,
        "只能修改“已禁播”状态的视频为已发布状态",
        "Only a banned video can be unbanned.",
        "只能修改“已禁播”状态的视频为已发布状态",
    ),
    (400, "TaskId is null!", "The id of the task is missing.", "任务ID为空"),
    (400, "cataid为空.", "The id of the category is empty.", "cataid为空"),
    (402, "cataid格式出错.", "The id of the category is malformed.", "cataid格式出错"),
    (402, "两个cataid不能相同.", "Both categories are the same.", "两个cataid不能相同"),
    (
        402,
        "不能移动到自己的父亲节点.",
        "It cannot move to its own parent.",
        "不能移动到自己的父亲节点",
    ),
    (400, "请先选择目标视频.", "No video was chosen.", "vids为空"),
    (400, "日期格式错误.", "A date is malformed.", "start或end格式错误"),
    (401, "vid为空.", "The id of the video is empty.", "vid为空"),
    (403, "用户的视频下找不到该视频.", "The user has no such video.", "用户的视频下找不到该视频"),
    (410, "vid is blank.", "The id of the video is empty.", "vid为空"),
    (411, "timeFrame is blank.", "There is no segment.", "时间段为空"),
    (412, "vid doesn't exist.", "There is no such video.", "vid不存在"),
    (413, "illegal timeFrames.", "The segments cannot be read.", "timeframe的json格式有问题"),
    (
        414,
        "timeFrames's size exceed 5.",
        "There are more than 5 segments.",
        "timeFrame时间段超过5段",
    ),
    (
        415,
        "illegal timeFrames.",
        "A segment ends before it begins.",
        "timeFrame的结束时间小于开始时间",
    ),
    (
        416,
        "illegal timeFrames.",
        "A segment is shorter than 5 seconds.",
        "timeFrame时间段长度小于5秒",
    ),
    (
        417,
        "illegal timeFrames.",
        "A segment ends after the video does.",
        "timeFrame的结束时间超过视频的时长",
    ),
    (
        418,
        "inital clip task filed.",
        "The clip could not be begun.",
        "初始化任务失败,需要查看后台日志原因",
    ),
    (
        419,
        "inital clip task filed.",
        "The clip could not be begun.",
        "初始化任务失败,需要查看后台日志原因",
    ),
    (500, "save clip task failed.", "Internal: the clip was not saved.", "后台程序抛异常"),
    (500, "query failed.", "Internal: the query failed.", "后台程序抛异常"),
    (500, "查询出错.", "Internal: the query failed.", "后台发生错误异常"),
    (500, "获取失败,请查看后台日志.", "Internal: reading failed; see the log.", "后台抛异常"),
)


def _all() -> tuple[LegacyCode, ...]:
    vod, api = LegacySystem.VOD, LegacySystem.OPEN_API
    chinese = [LegacyCode(vod, one, text, en, text) for one, (text, en) in _VOD.items()]
    english = [
        LegacyCode(vod, one, text, f"{text[0].upper()}{text[1:]}.", zh)
        for one, (text, zh) in _VOD_IN_ENGLISH.items()
    ]
    return (*chinese, *english, *(LegacyCode(api, *one) for one in _OPEN_API))


FAILURES: Final = _all()


def vod(code: int) -> LegacyCode:
    return _one(LegacySystem.VOD, code, None)


def api(code: int, message: str | None = None) -> LegacyCode:
    """The number of the open API; where it has several messages, the one that is meant."""
    return _one(LegacySystem.OPEN_API, code, message)


def _one(system: LegacySystem, code: int, message: str | None) -> LegacyCode:
    (found,) = (
        one
        for one in FAILURES
        if (one.system, one.code) == (system, code) and message in (None, one.message)
    )
    return found
