"""Lists of URLs that callers send as CSV, and tables that they get as CSV (RFC 4180)."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeAlias

from domain import links, text
from domain.errors import DomainError, InvalidArgument, LimitExceeded

MAX_ROWS = 1_000
MAX_FAULTS = 10
"""Wrong lines that are named; of more, only the number is."""
CSV_MARK: Final = b"\xef\xbb\xbf"
"""The mark of UTF-8, by which Excel knows it."""
_COLUMNS: Final = {
    "url": "url",
    "fileurl": "url",
    "地址": "url",
    "链接": "url",
    "title": "title",
    "name": "title",
    "标题": "title",
    "名称": "title",
    "sourceid": "sourceId",
}
"""Names of columns, in any case, and what they stand for."""
_ORDER: Final = ("url", "title", "sourceId")
"""The columns of a list that does not name them."""
_DEFAULT_COLUMNS: Final[Mapping[str, int]] = {name: place for place, name in enumerate(_ORDER)}
_DELIMITERS: Final = (",", ";", "\t")
_SEMICOLONS: Final = re.compile(r"[^;,]+;[^/=,]*")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_LOOKED_AT: Final = 64 * 1024
"""Characters that tell what separates the cells. Fewer than the csv module takes for one cell."""

Check: TypeAlias = Callable[[str], object]
"""Raises when a URL cannot be fetched."""


@dataclass(frozen=True, slots=True)
class Row:
    """One file of a list. What is empty is None."""

    line: int
    """Where it begins in the text, from 1."""
    url: str
    """Its form was checked."""
    title: str | None = None
    source_id: str | None = None


def read_csv(data: bytes, *, most: int = MAX_ROWS, check: Check = links.check) -> list[Row]:
    """The rows, in UTF-8 or GB18030, separated by commas, semicolons or tabs.

    The first line may name the columns, of which unknown ones are left out; else they are URL,
    title and sourceId. Empty lines do not count. Raises `LimitExceeded` for more than `most` rows,
    and `InvalidArgument`, which names the lines that cannot be used, or says that there are none.
    Nothing is read behind the first row that is too many.
    """
    content = _decode(data)
    records = [*islice(_records(content, _delimiter(content)), most + 2)]  # one may be a header
    columns = _named_columns(records[0].cells) if records else None
    if columns:
        del records[0]
    if len(records) > most:
        raise LimitExceeded("The number of rows", limit=most, actual=most + 1)
    rows = _rows(records, columns or _DEFAULT_COLUMNS, check)
    if not rows:
        raise InvalidArgument("The list has no rows.")
    return rows


def csv_lines(rows: Iterable[Sequence[object]]) -> bytes:
    """Lines of a file that begins with `CSV_MARK`, by RFC 4180.

    A text that a spreadsheet would take for a formula gets an apostrophe. None is an empty cell.
    """
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows(map(_harmless, row) for row in rows)
    return buffer.getvalue().encode()


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


@dataclass(frozen=True, slots=True)
class _Record:
    """What lies between two delimiters of lines. Cells have no space around them."""

    line: int
    cells: list[str]
    fault: str | None = None
    """Why it has no cells."""


def _records(content: str, delimiter: str) -> Iterator[_Record]:
    """All records that are not empty."""
    reader = csv.reader(
        io.StringIO(content, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    while True:
        line = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as fault:
            yield _Record(line, [], f"It is no CSV: {fault}.")
            continue
        if any(cells):
            yield _Record(line, cells)


def _rows(records: Iterable[_Record], columns: Mapping[str, int], check: Check) -> list[Row]:
    rows: list[Row] = []
    faults: list[str] = []
    for record in records:
        try:
            rows.append(_row(record, columns, check))
        except DomainError as fault:
            faults.append(f"Line {record.line}: {fault}")
    if faults:
        raise InvalidArgument(_told(faults))
    return rows


def _told(faults: Sequence[str]) -> str:
    named = " ".join(faults[:MAX_FAULTS])
    more = len(faults) - MAX_FAULTS
    count = f"Wrong lines of the list: {len(faults)}."
    return f"{count} {named} And {more} more." if more > 0 else f"{count} {named}"


def _row(record: _Record, columns: Mapping[str, int], check: Check) -> Row:
    if record.fault:
        raise InvalidArgument(record.fault)
    if columns is _DEFAULT_COLUMNS and any(record.cells[len(columns) :]):
        raise InvalidArgument(f"It has more columns than {', '.join(columns)}.")
    url, title, source_id = (_cell(record, columns.get(name)) for name in _ORDER)
    if url is None:
        raise InvalidArgument("It has no URL.")
    check(url)
    return Row(
        record.line,
        url,
        text.optional("title", title, text.MAX_TITLE),
        text.optional("sourceId", source_id, text.MAX_SOURCE_ID),
    )


def _cell(record: _Record, place: int | None) -> str | None:
    if place is None or place >= len(record.cells):
        return None
    return record.cells[place] or None


def _decode(data: bytes) -> str:
    data = data.removeprefix(CSV_MARK)
    furthest = 0
    for encoding in ("utf-8", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as failure:
            furthest = max(furthest, failure.start)
    line = data.count(b"\n", 0, furthest) + 1
    raise InvalidArgument(f"Byte {furthest}, in line {line}, is neither UTF-8 nor GB18030.")


def _delimiter(content: str) -> str:
    """What separates the cells. A comma, unless it is plain that it is something else.

    URLs contain all sorts of signs: without a header, only a tab is plain, and semicolons that
    come in each line, if what follows them looks like no part of a URL and no comma is there.
    """
    lines = _first_lines(content)
    if not lines:
        return ","
    for each in _DELIMITERS:
        if _named_columns(next(csv.reader([lines[0]], delimiter=each))):
            return each
    before, tab, _ = lines[0].partition("\t")
    if tab and before.count('"') % 2 == 0:
        return "\t"
    return ";" if all(map(_SEMICOLONS.fullmatch, lines)) else ","


def _first_lines(content: str) -> list[str]:
    """Those that are not empty. The last one may be cut off, if it is the only one."""
    beginning = content.lstrip("\r\n")[:_LOOKED_AT]
    lines = [line for line in re.split(r"[\r\n]+", beginning) if line.strip()]
    return lines[:-1] if len(beginning) == _LOOKED_AT and len(lines) > 1 else lines


def _named_columns(cells: Sequence[str]) -> Mapping[str, int] | None:
    """The places of the columns that we know, if these are names and one is the URL's."""
    known = [_COLUMNS.get(cell.strip().casefold()) for cell in cells]
    if "url" not in known:
        return None
    columns = {name: place for place, name in enumerate(known) if name}
    if len(columns) < len(known) - known.count(None):
        raise InvalidArgument("The list has two columns for the same.")
    return columns
