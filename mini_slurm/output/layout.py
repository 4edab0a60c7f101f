"""Rows and fields to lines: what `-o`, `-O` and `--format` describe, and how Slurm pads and cuts.

A field is one row of a table (job_fields.py, node_fields.py, accounting_fields.py); a layout is the fields that were
asked for, with their widths. Values are pure functions of a record and a View, so the time and the locale come in.
"""

from __future__ import annotations

from mini_slurm.errors import visible
from mini_slurm.model.numbers import leading_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any

    Value = Callable[[Any, "View"], str]

NO_ALIASES: Mapping[str, str] = {}
MOST_WIDTH = 1_000_000  # of a column of sacct's: more is a mistake
NULL = "(null)"  # as C writes what is absent


class View:
    """What a listing knows besides its records."""

    __slots__ = (
        "associations",
        "cluster",
        "convert",
        "default_memory",
        "moment",
        "now",
        "qualities",
        "shown_tasks",
        "unit",
        "user_name",
        "whole_ids",
        "whole_memory",
    )

    def __init__(self, now: float, moment: Callable[[float], str], cluster: str = "", *, unit: str = "") -> None:
        self.now = now  # seconds since the epoch
        self.moment = moment  # seconds since the epoch -> local time, as text
        self.cluster = cluster
        self.unit = unit  # sacct's --units: K, M, G, T, P
        self.convert = True  # False: --noconvert
        self.shown_tasks = 64  # characters of an array's waiting tasks, 0: all; $SLURM_BITSTR_LEN
        self.whole_ids = False  # are numbers with many tasks shown to their end? $SLURM_BITSTR_LEN
        self.associations: Mapping[tuple[str | None, str], int] = {}  # (account, user) -> its number
        self.qualities: Mapping[str | None, int] = {}  # QOS -> its number
        self.user_name: Callable[[int], str | None] = str  # uid -> login name, None where there is none
        self.whole_memory: Mapping[str, int] = {}  # partition -> MiB that --mem=0 asks for on one of its machines
        self.default_memory: int | None = None  # MiB for each CPU, where a job asks for no memory


class Field:
    """One column that a listing can have."""

    __slots__ = (
        "columns",
        "cut",
        "cut_from",
        "cut_header",
        "group",
        "header",
        "left_header",
        "letter",
        "mark",
        "name",
        "plain",
        "value",
        "width",
    )

    def __init__(
        self,
        name: str,
        letter: str,
        header: str,
        columns: str,
        value: Value,
        *,
        width: int = 0,
        cut: bool = True,
        cut_from: str = "",
        cut_header: bool = True,
        left_header: bool = False,
        group: str = "",
        mark: str = "",
        plain: bool = False,
    ) -> None:
        self.name = name  # of -O and --format
        self.letter = letter  # of -o; "" when it has none
        self.header = header
        self.width = width  # the default; negative: to the left; 0: as long as it is
        self.columns = columns  # of the database, separated by blanks
        self.value = value
        self.cut = cut  # False: a longer value stands out of a column that is justified to the right
        self.cut_from = cut_from  # values that begin so are cut all the same
        self.cut_header = cut_header  # False: so does the header
        self.left_header = left_header  # whatever the values are
        self.group = group  # sinfo: nodes that differ in it are not one line, "always" or (-e) "exact"
        self.plain = plain  # sacct: a value that is cut does not say so
        self.mark = mark  # what a value that is cut still ends with, if it did before

    def uncut(self) -> Field:
        """The same, but a longer value stands out."""
        return Field(self.name, self.letter, self.header, self.columns, self.value, cut=False)


class Cell:
    """A field as it was asked for; without a field it is the text that stands after it."""

    __slots__ = ("field", "right", "suffix", "width")

    def __init__(self, field: Field | None, width: int = 0, right: bool = False, suffix: str = "") -> None:
        self.field = field
        self.width = width
        self.right = right
        self.suffix = suffix

    def template(self, *, header: bool = False) -> str:
        """The cell for the operator %, which pads and cuts as C does."""
        after = self.suffix.replace("%", "%%")
        if self.field is None:
            return after
        if self.width == 0:
            return "%s" + after
        is_cut = self.field.cut_header if header else self.field.cut
        right = self.right and not (header and self.field.left_header)
        cut = f".{self.width}" if is_cut or not right else ""
        return f"%{'' if right else '-'}{self.width}{cut}s{after}"

    def value(self) -> Value:
        """The function that makes the text."""
        assert self.field is not None
        field, make, width = self.field, self.field.value, self.width
        if not width:
            return make
        if self.right and field.cut_from:
            make = _cut(make, field.cut_from, width)
        elif not self.right and width < len(NULL):
            make = _without_null(make)
        return _marked(make, field.mark, width) if field.mark else make


def _cut(make: Value, start: str, width: int) -> Value:
    def cut(record: object, view: View) -> str:
        text = make(record, view)
        return text[:width] if text.startswith(start) else text

    return cut


def _marked(make: Value, mark: str, width: int) -> Value:
    def marked(record: object, view: View) -> str:
        text = make(record, view)
        return text[: width - 1] + mark if len(text) > width and text.endswith(mark) else text

    return marked


def _without_null(make: Value) -> Value:
    """C writes nothing for what is absent where there is no room for all of `(null)`."""

    def shown(record: object, view: View) -> str:
        text = make(record, view)
        return "" if text == NULL else text

    return shown


class Layout:
    """Cells in their order: a header, and a line for each record."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        self.cells = cells
        self.fields = [cell.field for cell in cells if cell.field is not None]
        self._template = "".join(cell.template() for cell in cells)

    @property
    def columns(self) -> set[str]:
        """The columns of the database that the fields read."""
        return {column for field in self.fields for column in field.columns.split()}

    def header(self) -> str:
        """The line of names."""
        template = "".join(cell.template(header=True) for cell in self.cells)
        return template % tuple(field.header for field in self.fields)

    def lines(self, records: Iterable[object], view: View) -> Iterator[str]:
        """One line for each record; what a terminal would obey is shown instead."""
        template, values = self._template, [cell.value() for cell in self.cells if cell.field is not None]
        for record in records:
            row = [value(record, view) for value in values]
            if not "".join(row).isprintable():
                row = [visible(text) for text in row]
            yield template % tuple(row)


# --- squeue and sinfo

SMALL = "abcdefghijklmnopqrstuvwxyz"  # the module string imports re
EVERY = "|".join(f"%{letter}" for letter in SMALL + SMALL.upper())
ALL = "all"


def by_letters(
    text: str, table: Iterable[Field], all_letters: str = EVERY, *, drops: bool = False
) -> tuple[Layout, list[str]]:
    """Read `%[.][width]letter` with text between; also the letters that no field has: their text is shown as it is.

    `%all` is `all_letters`, where the letters that no field has count for nothing. `drops`: nothing is shown for them.
    """
    letters = {field.letter: field for field in table if field.letter}
    every = text.lower() == f"%{ALL}"
    text = all_letters if every else text
    cells: list[Cell] = []
    unknown: list[str] = []
    if not text.startswith("%"):
        before, _, text = text.partition("%")
        cells.append(Cell(None, suffix=before))
    for token in filter(None, text.split("%")):
        right, width, rest = _size(token)
        field = letters.get(rest[:1])
        if field is not None:
            cells.append(Cell(field, width, right, rest[1:]))
        elif not every:
            unknown.append(rest[:1])
            cells += [] if drops else [Cell(None, suffix="%" + token)]
    return Layout(cells), unknown


def by_names(
    text: str,
    table: Sequence[Field],
    aliases: Mapping[str, str] = NO_ALIASES,
    all_letters: str = "",
    loose: Sequence[str] = (),
) -> tuple[Layout, list[str]]:
    """Read `name[:[.][width][text]],...`; also the names that no field has: of these only the text stays.

    The name `all` is `all_letters`, where these are given. A name that begins as a `loose` one is that one.
    """
    names = {field.name.lower(): field for field in table if field.name}
    cells: list[Cell] = []
    unknown: list[str] = []
    for token in filter(None, text.split(",")):
        name, colon, size = token.partition(":")
        if all_letters and name.lower() == ALL:
            cells += by_letters(f"%{ALL}", table, all_letters)[0].cells
            continue
        whole = next((one for one in loose if name.lower().startswith(one)), name.lower())
        field = names.get(aliases.get(whole, whole))
        right, width, suffix = _size(size, blanks=True) if colon else (False, 20, "")
        if suffix.startswith("-") and suffix[1:2].isdigit():  # a negative width: none, and a blank
            suffix = " " + suffix[1:].lstrip("0123456789")
        cells.append(Cell(field, width, right, suffix))
        if field is None:
            unknown.append(name)
    return Layout(cells), unknown


def _size(token: str, *, blanks: bool = False) -> tuple[bool, int, str]:
    """`[.][width]` and what follows; `blanks` may stand before the width."""
    right = token.startswith(".")
    rest = token[1:] if right else token
    if blanks and rest.lstrip()[:1].isdigit():
        rest = rest.lstrip()
    after = rest.lstrip("0123456789")
    digits = rest[: len(rest) - len(after)]
    return right, min(int(digits or "0"), 4096), after


# --- sacct


class Table:
    """sacct's form of a layout: cut values end in `+`, and a line of dashes follows the header."""

    def __init__(self, fields: Sequence[tuple[Field, int]]) -> None:
        self.cells = fields
        self.fields = [field for field, _ in fields]

    def header(self) -> list[str]:
        """The line of names and the one of dashes."""
        names = "".join(_pad(field.header[: abs(width)], width) + " " for field, width in self.cells)
        return [names, "".join("-" * abs(width) + " " for _, width in self.cells)]

    def lines(self, records: Iterable[object], view: View) -> Iterator[str]:
        """One line for each record, each value padded or cut to its width, and a blank after each."""
        for record in records:
            yield "".join(_fit(visible(field.value(record, view)), width, field) + " " for field, width in self.cells)

    def joined(self, records: Iterable[object], view: View, delimiter: str, last: bool) -> Iterator[str]:
        """One line for each record, values as they are; with `last` the delimiter also ends the line."""
        end = delimiter if last else ""
        for record in records:
            yield delimiter.join(visible(field.value(record, view)) for field in self.fields) + end

    def text(self, records: Iterable[object], view: View, *, named: bool, form: str = "") -> list[str]:
        """All lines; the form is "parsable" or "parsable2", whose lines do not end in a delimiter, or columns."""
        if not form:
            return [*(self.header() if named else []), *self.lines(records, view)]
        last = form == "parsable"
        names = "|".join(field.header for field in self.fields) + "|" * last
        return [*([names] if named else []), *self.joined(records, view, "|", last)]


def by_prefixes(text: str, table: Sequence[Field]) -> tuple[Table, str | None]:
    """Read `name[%[-]width],...`, where the beginning of a name will do; also the first name that no field has."""
    chosen: list[Field] = []
    widths = {field.name: field.width for field in table}  # a width holds for the same field everywhere
    for token in text.split(","):
        name, percent, size = token.partition("%")
        name = name.lstrip()
        if not name and not percent:
            break
        is_every = ALL.startswith(name.lower())
        found = [field for field in table if is_every or field.name.lower().startswith(name.lower())]
        if not found:
            return Table([]), name
        for field in found if is_every else found[:1]:
            if percent:
                widths[field.name] = column_width(size)
            chosen.append(field)
    return Table([(field, widths[field.name]) for field in chosen]), None


def column_width(text: str) -> int:
    """The width of `20` or `-20`, which is to the left; 0 where no number stands first."""
    size, _ = leading_number(text)
    return max(-MOST_WIDTH, min(size, MOST_WIDTH))


def _fit(text: str, width: int, field: Field) -> str:
    """A value in its column: as it is where its kind is never cut, else with what says that it was cut."""
    size = abs(width)
    if len(text) > size > 0 and field.cut:
        return text[:size] if field.plain else text[: size - 1] + "+"
    return _pad(text if size or not field.cut else "", width)


def _pad(text: str, width: int) -> str:
    return text.rjust(width) if width > 0 else text.ljust(-width)
