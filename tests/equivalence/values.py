"""Awkward values of columns: what a second way to write JSON is likely to write differently."""

from datetime import UTC, datetime
from typing import Final

TITLES: Final = (
    "plain",
    'double " quote',
    "single ' quote; drop table video --",
    "back\\slash, \\n and \\u0041 as text",
    "tab\tnewline\nreturn\r",
    "\x01\x08\x0c\x1f\x7f controls",
    "\u2028 line and \u2029 paragraph",
    "😀 👩‍👩‍👧 🇨🇭",
    "中文標題 视频",
    "\ufeff\u200b \u202e right to left",
    "e\u0301 is not é",
    " ",
    "0",
    "null",
    '{"a": [1, "x"]}',
    "%s $1 {} ${x} :name",
    "</script><!-- & -->",
    "2026-01-01T00:00:00+00:00",
    "long " * 50,
    "\ue000\uffff\U0010ffff",
)

TEXTS: Final = (None, "", "a", *TITLES, "x" * 6_000)
"""Values of a nullable text."""

TAGS: Final = ("news", "", '中"', *(text or "" for text in TEXTS[:20]))

MOMENTS: Final = (
    datetime(2026, 1, 1, tzinfo=UTC),
    datetime(2026, 1, 1, 0, 0, 0, 123_456, tzinfo=UTC),
    datetime(2026, 1, 1, 0, 0, 0, 120_000, tzinfo=UTC),
    datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(9999, 12, 31, 12, 0, 0, 500_000, tzinfo=UTC),
    datetime(33, 4, 3, 15, 0, tzinfo=UTC),
    datetime(2024, 2, 29, 23, 59, 59, 999_000, tzinfo=UTC),
)

PARTS_OF_ONE: Final = (
    0.0,
    1.0,
    0.1,
    1e-5,
    1 / 3,
    1e-7,
    0.30000000000000004,
    0.999999999999,
    5e-324,
)
NUMBERS: Final = (
    None,
    *PARTS_OF_ONE,
    -0.0,
    1e15,
    1e16,
    1e22,
    123456789.123,
    1.7976931348623157e308,
)
NOT_NUMBERS: Final = (float("nan"), float("inf"), float("-inf"))
SIZES: Final = (0, 1, 2**31 - 1, 2**31, 2**32 + 1, 2**53 - 1)
FRAME_RATES: Final = (None, "30", "30000/1001", "24000/1001", "25/1", "0", "1/3", "1000000", "60/7")
CODECS: Final = (None, "avc1.64001e", 'hvc1.1.6.L93."90', "")

TOO_LONG_MS: Final = 2**31
"""A duration that `Int` cannot say."""
