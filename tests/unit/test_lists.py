"""Lists of URLs as people make them, and tables as spreadsheets take them."""

import csv
import io
import time
from functools import partial

import pytest

from domain import links, lists
from domain.errors import InvalidArgument, LimitExceeded
from domain.lists import Row

ROWS = [
    Row(2, "http://a.example/1.mp4", "第一集", "id-1"),
    Row(3, "https://b.example/2.mp4", "Second, with a comma", None),
]
TEXT = (
    "url,title,sourceId\r\n"
    "http://a.example/1.mp4,第一集,id-1\r\n"
    'https://b.example/2.mp4,"Second, with a comma",\r\n'
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_list_is_read_in_the_usual_codes(encoding: str) -> None:
    assert lists.read_csv(TEXT.encode(encoding)) == ROWS


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_lines_end_in_any_way(ends: str) -> None:
    assert lists.read_csv(TEXT.replace("\r\n", ends).encode()) == ROWS
    assert lists.read_csv(TEXT.replace("\r\n", ends).removesuffix(ends).encode()) == ROWS


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("url", ["url", "URL", "fileurl", "FileUrl", "地址", " 链接 "])
@pytest.mark.parametrize("title", ["title", "Name", "标题", "名称"])
def test_the_header_names_columns_in_any_order(delimiter: str, url: str, title: str) -> None:
    header = delimiter.join(["note", title, "sourceId", url])
    line = delimiter.join(["seen", "One", "x;y", "http://a.example/b,c;d?e=f"])
    rows = lists.read_csv(f"{header}\n{_quoted(line, delimiter)}\n".encode())
    assert rows == [Row(2, "http://a.example/b,c;d?e=f", "One", "x;y")]


def _quoted(line: str, delimiter: str) -> str:
    """The line's last two cells in quotes, since they hold any delimiter."""
    if delimiter == "\t":
        return line
    note, title, *_ = line.split(delimiter)
    cells = [note, title, '"x;y"', '"http://a.example/b,c;d?e=f"']
    return delimiter.join(cells)


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("http://a.example/1", Row(1, "http://a.example/1")),
        ("http://a.example/1,One", Row(1, "http://a.example/1", "One")),
        ("http://a.example/1,,id", Row(1, "http://a.example/1", None, "id")),
        ("http://a.example/1,One,id,,", Row(1, "http://a.example/1", "One", "id")),
        ("http://a.example/1\tOne\tid", Row(1, "http://a.example/1", "One", "id")),
        ("http://a.example/1,2.mp4\tOne", Row(1, "http://a.example/1,2.mp4", "One")),
        ("http://a.example/1;One", Row(1, "http://a.example/1", "One")),
        ("http://a.example/1;One;id", Row(1, "http://a.example/1", "One", "id")),
        ("http://a.example/1;v=2", Row(1, "http://a.example/1;v=2")),
        ("http://a.example/1;v/2.mp4", Row(1, "http://a.example/1;v/2.mp4")),
        ("http://a.example/1;v2,One", Row(1, "http://a.example/1;v2", "One")),
        ('http://a.example/1, "One, two", id', Row(1, "http://a.example/1", "One, two", "id")),
        ('http://a.example/1,"One\ttwo"', Row(1, "http://a.example/1", "One\ttwo")),
        ('http://a.example/1,"Say ""one"""', Row(1, "http://a.example/1", 'Say "one"')),
        ("\n \n,,\n http://a.example/1 ,One\n\n", Row(4, "http://a.example/1", "One")),
    ],
)
def test_a_list_without_a_header(text: str, row: Row) -> None:
    assert lists.read_csv(text.encode()) == [row]


def test_a_tab_inside_of_quotes_separates_nothing() -> None:
    with pytest.raises(InvalidArgument, match=r"Line 1: Character 19 of the URL, U\+0009"):
        lists.read_csv(b'"http://a.example/1\tb",x\nhttp://a.example')


def test_a_row_counts_from_its_first_line() -> None:
    text = 'url,title\nhttp://a.example/1,"two\nlines"\n\nhttp://a.example/2,x\n'
    assert lists.read_csv(text.encode()) == [
        Row(2, "http://a.example/1", "two\nlines"),
        Row(5, "http://a.example/2", "x"),
    ]


def test_all_wrong_lines_are_named_at_once() -> None:
    text = (
        "http://a.example/1\n"
        ",no URL\n"
        "file:///etc/passwd\n"
        "http://a.example/4,x,y,z\n"
        'http://a.example/5,"x"y\n'
        f"http://a.example/6,{'x' * 256}\n"
        f"http://a.example/7,x,{'y' * 256}\n"
        "http://a.example/8,a\0b\n"
        "http://a.example:22/9\n"
        f"http://a.example/{'x' * 1000}\n"
    )
    with pytest.raises(InvalidArgument) as failure:
        lists.read_csv(text.encode())
    assert str(failure.value) == (
        "Wrong lines of the list: 9."
        " Line 2: It has no URL."
        " Line 3: The URL must begin with http:// or https://."
        " Line 4: It has more columns than url, title, sourceId."
        " Line 5: It is no CSV: ',' expected after '\"'."
        " Line 6: The length of title is 256; the limit is 255."
        " Line 7: The length of sourceId is 256; the limit is 255."
        " Line 8: title contains the character U+0000."
        " Line 9: Port 22 is not one of 80, 443, 8080, 8443."
        " Line 10: The length of the URL is 1017; the limit is 1000."
    )


def test_of_many_wrong_lines_some_are_named() -> None:
    text = "url\nhttp://a.example/\n" + "rubbish\n" * 12
    with pytest.raises(InvalidArgument) as failure:
        lists.read_csv(text.encode())
    message = str(failure.value)
    assert message.startswith("Wrong lines of the list: 12. Line 3: ")
    assert (message.count("Line "), message[-11:]) == (lists.MAX_FAULTS, "And 2 more.")


def test_a_quote_that_is_never_closed_is_named_where_it_opens() -> None:
    text = 'http://a.example/1\nhttp://a.example/2,"open\nhttp://a.example/3\n'
    with pytest.raises(
        InvalidArgument, match=r"^Wrong lines of the list: 1. Line 2: It is no CSV: unexpected end"
    ):
        lists.read_csv(text.encode())


def test_other_ports_may_be_allowed() -> None:
    check = partial(links.check, ports={22})
    assert lists.read_csv(b"http://a.example:22/", check=check) == [Row(1, "http://a.example:22/")]


def test_a_list_has_no_more_rows_than_allowed() -> None:
    text = "url\n" + "http://a.example/\n" * 3
    assert len(lists.read_csv(text.encode(), most=3)) == 3
    with pytest.raises(LimitExceeded) as failure:
        lists.read_csv(text.encode() + b"rubbish\n", most=3)
    assert (failure.value.limit, failure.value.actual) == (3, 4)
    assert len(lists.read_csv(b"http://a.example/\n" * 1000)) == 1000
    with pytest.raises(LimitExceeded):
        lists.read_csv(b"http://a.example/\n" * 1001)


def test_nothing_is_read_behind_the_first_row_that_is_too_many() -> None:
    """Else a list of 4 MiB keeps a core busy for five seconds and more."""
    data, begun = b"a\n" * (2 << 20), time.thread_time()
    with pytest.raises(LimitExceeded) as failure:
        lists.read_csv(data, most=1000)
    assert failure.value.actual == 1001
    assert time.thread_time() - begun < 1


@pytest.mark.parametrize("size", [70_000, 200_000])
def test_a_first_line_that_is_far_too_long_is_named(size: int) -> None:
    with pytest.raises(InvalidArgument, match=r"^Wrong lines of the list: 1\. Line 1: "):
        lists.read_csv(b"x" * size + b"\nhttp://a.example/\n")


def test_what_separates_cells_is_seen_in_the_first_lines() -> None:
    lines = [f"http://a.example/{number};One" for number in range(5_000)]
    assert lists.read_csv("\n".join(lines).encode(), most=5_000)[-1].title == "One"


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf", b"url,title\n"])
def test_an_empty_list_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidArgument, match="no rows"):
        lists.read_csv(data)


def test_a_header_with_two_urls_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="two columns for the same"):
        lists.read_csv(b"url,title,fileurl\nhttp://a.example/,b,c\n")


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"url\nhttp://a.example/\xff\n", "Byte 21, in line 2"),
        (b"\xef\xbb\xbfurl\n\xff", "Byte 4, in line 2"),
        ("http://a.example/".encode("utf-16"), "Byte 0, in line 1"),
        ("中\n文\n".encode() + b"\x80\xff", "Byte 8, in line 3"),
    ],
)
def test_other_codes_are_refused_with_the_place(data: bytes, place: str) -> None:
    with pytest.raises(InvalidArgument, match=f"^{place}, is neither UTF-8 nor GB18030"):
        lists.read_csv(data)


def test_a_table_is_written_as_spreadsheets_read_it() -> None:
    rows = [["a", 'say "x"', None], ["b,c", "two\r\nlines", -5], ["第一集", "", 1.5]]
    table = lists.CSV_MARK + lists.csv_lines([["url", "title", "count"], *rows])
    assert (
        table
        == (
            '\ufeffurl,title,count\r\na,"say ""x""",\r\n"b,c","two\r\nlines",-5\r\n第一集,,1.5\r\n'
        ).encode()
    )


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(sign: str) -> None:
    formula = f"{sign}cmd|' /C calc'!A0"
    table = lists.csv_lines([[formula], [formula, f"a{formula}"]])
    found = list(csv.reader(io.StringIO(table.decode(), newline="")))
    assert found == [[f"'{formula}"], [f"'{formula}", f"a{formula}"]]


def test_what_was_written_can_be_read() -> None:
    rows = [["url", "title", "sourceId"], *([r.url, r.title, r.source_id] for r in ROWS)]
    assert lists.read_csv(lists.CSV_MARK + lists.csv_lines(rows)) == ROWS


def test_semicolons_that_not_all_lines_have_separate_nothing() -> None:
    rows = lists.read_csv(b"http://a.example/1;x\nhttp://a.example/2\n")
    assert rows == [Row(1, "http://a.example/1;x"), Row(2, "http://a.example/2")]
