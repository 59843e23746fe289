"""What each of our error codes is in Chinese and in the numbers of older systems.

A new code needs one line here: its sentence in Chinese, and the numbers that it stands for, if
there are any. The first of them is its main number; `main` is for a code that has none of its
own, but that clients of older systems best take for another one's. Each number stands for one
code. What the codes mean in English is in schema/enums.py.
"""

# ruff: noqa: RUF001 - Chinese sentences have commas of their own

from collections.abc import Mapping
from typing import Final

from domain.error_codes import ErrorCode
from domain.legacy_codes import LegacyCode, api, vod

_BAD_ARGUMENT, _UPLOAD_AGAIN = 3101, 3107


class Entry:
    """`retryable`: the same request may succeed later, without any change."""

    __slots__ = ("chinese", "main", "numbers", "retryable")

    def __init__(
        self, chinese: str, *numbers: LegacyCode, main: int | None = None, retryable: bool = False
    ) -> None:
        self.chinese = chinese
        self.numbers = numbers
        self.main = numbers[0].code if numbers else main
        self.retryable = retryable


_E: Final = ErrorCode
CATALOG: Final[Mapping[ErrorCode, Entry]] = {
    _E.INVALID_ARGUMENT: Entry(
        "请求中的某个值无法使用。",
        vod(3101),
        api(400, "TaskId is null!"),
        api(400, "请先选择目标视频."),
        api(400, "日期格式错误."),
        api(401),
        api(410),
    ),
    _E.NOT_FOUND: Entry("该对象不存在，或不属于您。", vod(3102), api(403), api(412)),
    _E.TOO_MANY_IDS: Entry(
        "一次请求的对象过多；错误中给出上限和实际数量。", api(400, "vid count can't over 500")
    ),
    _E.NO_ELIGIBLE_ITEM: Entry("请求中没有一个对象可以这样修改。", main=400),
    _E.NOT_PUBLISHED: Entry(
        "只有已发布的视频才能禁播。", api(400, "只能修改“已发布”状态的视频为禁播状态")
    ),
    _E.NOT_BANNED: Entry(
        "只有已禁播的视频才能解禁。", api(400, "只能修改“已禁播”状态的视频为已发布状态")
    ),
    _E.CATEGORY_REQUIRED: Entry("分类 id 为空。", api(400, "cataid为空.")),
    _E.CATEGORY_INVALID: Entry("该值不是分类的 id。", api(402, "cataid格式出错.")),
    _E.CATEGORY_SAME: Entry("两个 id 是同一个分类。", api(402, "两个cataid不能相同.")),
    _E.CATEGORY_IS_PARENT: Entry("该分类已在其中。", api(402, "不能移动到自己的父亲节点.")),
    _E.CATEGORY_IS_DEFAULT: Entry("默认分类不能移动或删除。", main=_BAD_ARGUMENT),
    _E.PASSWORD_TOO_LONG: Entry("密码字符过多；错误中给出上限。", main=_BAD_ARGUMENT),
    _E.LINK_SPENT: Entry("该签名链接只能使用一次，且已使用。", main=3108),
    _E.REFERRER_NOT_ALLOWED: Entry("视频所有者不允许该网页播放。", main=3108),
    _E.ADDRESS_NOT_ALLOWED: Entry("该地址不允许播放此视频。", main=3108),
    _E.VIDEO_NOT_PLAYABLE: Entry("该视频现在无法播放；`playability` 说明原因。", main=3108),
    _E.PLAYBACK_UNAVAILABLE: Entry(
        "现在无法确认链接是否有效，请稍后再试。", main=500, retryable=True
    ),
    _E.LIMIT_EXCEEDED: Entry("某个值超过上限；错误中给出两者。", main=_BAD_ARGUMENT),
    _E.CHUNK_MISSING: Entry("上传的部分分块尚未到达。", main=_UPLOAD_AGAIN),
    _E.CHECKSUM_MISMATCH: Entry("收到的字节与声明的不一致。", vod(3107)),
    _E.SESSION_CLOSED: Entry("该上传会话不再接收分块。", main=_UPLOAD_AGAIN),
    _E.INVALID_STATE: Entry("该对象当前的状态不允许此操作。", main=_BAD_ARGUMENT),
    _E.PART_BUSY: Entry("另一个请求正在写入同一分块，请重试。", main=_UPLOAD_AGAIN, retryable=True),
    _E.INCOMPLETE_BODY: Entry("请求体的长度与分块不符。", main=_UPLOAD_AGAIN, retryable=True),
    _E.STORAGE_FULL: Entry("存储空间不足，请稍后再试。", vod(3114), retryable=True),
    _E.STORAGE_BUSY: Entry("对象存储繁忙，请稍后再试。", main=3114, retryable=True),
    _E.QUOTA_EXCEEDED: Entry("您的文件将超过允许存储的字节数。", main=3108),
    _E.POSSESSION_NOT_PROVEN: Entry("无法秒传该文件，请上传。", main=_UPLOAD_AGAIN),
    _E.DUPLICATE_CONTENT: Entry("您已有来自该来源的视频。", vod(3106)),
    _E.OBJECT_IN_USE: Entry("有视频正在使用该存储对象。", main=_BAD_ARGUMENT),
    _E.MEDIA_REFUSED: Entry("该文件无法成为视频。", main=_UPLOAD_AGAIN),
    _E.VIDEO_UPLOADING: Entry("该视频的文件尚未检查完毕。", vod(3103), retryable=True),
    _E.VIDEO_UPLOAD_FAILED: Entry("该视频没有可用的文件。", vod(3104)),
    _E.TRANSCODE_EXISTS: Entry("该转码视频已存在或正在转码。", vod(3105)),
    _E.TEMPLATE_UNSUITABLE: Entry("该模板对此视频不会产生任何结果。", main=_BAD_ARGUMENT),
    _E.TEMPLATE_BUILT_IN: Entry("内置模板不能修改或删除。", main=_BAD_ARGUMENT),
    _E.TEMPLATE_IN_USE: Entry("您的转码规则正在使用该模板。", main=_BAD_ARGUMENT),
    _E.CATEGORY_IS_ANCESTOR: Entry("分类不能放入自身或其子分类。", main=402),
    _E.TRANSCODE_FAILED: Entry("转码失败；任务中有日志。", vod(3111)),
    _E.CLIP_SEGMENTS_EMPTY: Entry("裁剪没有时间段。", api(411)),
    _E.CLIP_SEGMENTS_INVALID: Entry("某个时间段在视频开始之前开始。", api(413)),
    _E.CLIP_TOO_MANY_SEGMENTS: Entry("裁剪的时间段过多。", api(414)),
    _E.CLIP_END_BEFORE_START: Entry("某个时间段的结束早于开始。", api(415)),
    _E.CLIP_SEGMENT_TOO_SHORT: Entry("某个时间段过短。", api(416)),
    _E.CLIP_END_AFTER_VIDEO: Entry("某个时间段的结束超过视频时长。", api(417)),
    _E.CLIP_INIT_FAILED: Entry("待裁剪的视频没有可读取的文件。", api(418), api(419)),
    _E.WORKER_LOST: Entry("执行任务的进程多次意外终止。", retryable=True, main=500),
    _E.URL_NOT_ALLOWED: Entry("不允许访问该 URL：其形式、端口或服务器地址不合规。", main=3113),
    _E.FETCH_FAILED: Entry("URL 的服务器没有给出所需内容；消息说明原因。", vod(3113)),
    _E.CANCELLED: Entry("已被取消。"),
    _E.UNAUTHENTICATED: Entry(
        "API 密钥缺失、未知或已吊销。",
        vod(3108),
        api(400, "sign can not be empty."),
        api(400, "the sign is not right."),
        api(400, "ptime is too old"),
        api(400, "ptime is too old."),
        api(400, "ptime is illegal."),
        api(400, "Could not find user by userid."),
    ),
    _E.LINK_EXPIRED: Entry("签名链接已过期，请重新获取。", main=3108),
    _E.LINK_INVALID: Entry("签名链接被篡改。", main=3108),
    _E.BAD_CURSOR: Entry("该游标不属于此列表。", main=_BAD_ARGUMENT),
    _E.INTERNAL: Entry(
        "内部故障；消息中的编号对应日志。",
        api(500, "query failed."),
        api(500, "save clip task failed."),
        api(500, "查询出错."),
        api(500, "获取失败,请查看后台日志."),
        *map(vod, (3112, *range(3121, 3128), *range(3131, 3136), *range(3141, 3145))),
        *map(vod, (*range(3151, 3154), *range(3161, 3165))),
    ),
}


def main_number(code: ErrorCode) -> int | None:
    """The number that clients of older systems take this code for; None when there is none."""
    return CATALOG[code].main
