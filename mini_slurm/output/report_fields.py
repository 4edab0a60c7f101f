"""The columns of sreport's reports, and how it writes usage. A record is a Line."""

from __future__ import annotations

from mini_slurm.model.abbreviations import Names
from mini_slurm.output.layout import Field, Table, column_width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mini_slurm.output.layout import Value, View

    Usage = Mapping[str, tuple[float, float]]

SMALLEST = 8  # the least width of a column of usage
PERCENTAGE = 9  # how much wider it is with a percentage


class TimeFormat:
    """How usage is written: in units of so many seconds (0: not at all), and as a percentage or not."""

    __slots__ = ("names", "percent", "title", "unit")

    def __init__(self, names: str, title: str, unit: int, percent: bool) -> None:
        self.names = Names(names)
        self.title = title
        self.unit = unit
        self.percent = percent

    def text(self, seconds: float, whole: float) -> str:
        """Usage, and what it is a part of."""
        number = f"{int(seconds) / self.unit:.0f}" if self.unit else ""
        if not self.percent:
            return number
        percentage = f"{100 * int(seconds) / (int(whole) or 1):.2f}%"
        return f"{number}({percentage})" if number else percentage

    def width(self, most: float) -> int:
        """Of a column in which this is the most seconds."""
        return max(SMALLEST, len(str(int(most)))) + PERCENTAGE * bool(self.unit and self.percent)


TIME_FORMATS = (
    TimeFormat("SecPer:6", "Seconds/Percentage of Total", 1, True),
    TimeFormat("MinPer:6", "Minutes/Percentage of Total", 60, True),
    TimeFormat("HourPer:6", "Hours/Percentage of Total", 3600, True),
    TimeFormat("Seconds:1", "Seconds", 1, False),
    TimeFormat("Minutes:1", "Minutes", 60, False),
    TimeFormat("Hours:1", "Hours", 3600, False),
    TimeFormat("Percent:1", "Percentage of Total", 0, True),
)
PERCENT = TIME_FORMATS[-1]


class Line:
    """One line of a report: whose it is, and by column how many seconds of what whole."""

    __slots__ = ("account", "cluster", "count", "proper_name", "resource", "usage", "user")

    def __init__(self, cluster: str, resource: str, usage: Usage, *, account: str = "", user: str = "") -> None:
        self.cluster = cluster
        self.account = account
        self.user = user
        self.proper_name = ""  # what the user is called besides the login name
        self.resource = resource
        self.usage = usage
        self.count = 0  # how much of the resource there is


# names as abbreviations.py has them, the header, the width
CLUSTER_ROWS = (
    ("Accounts:2", "Account", 15), ("Allocated:2", "Allocated", 0), ("Cluster:2", "Cluster", 9), ("Down:1", "Down", 0),
    ("Idle:1", "Idle", 0), ("Login:1", "Login", 9), ("Overcommitted:1", "Over Comm", 0),
    ("PlannedDown:2", "PLND Down", 0), ("Proper:2", "Proper Name", 15), ("Reported:3", "Reported", 0),
    ("Reserved:3 Planned:4", "Planned", 0), ("TresCount:5 CpuCount:2 Count:2", "TRES Count", 10),
    ("TresName:5", "TRES Name", 14), ("Used:1", "Used", 0), ("WCKey:2", "WCKey", 15), ("Energy:1", "Energy", 0),
)  # fmt: skip
USER_ROWS = (
    ("Accounts:1", "Account", 15), ("Cluster:1", "Cluster", 9), ("Energy:1", "Energy", 0), ("Login:1", "Login", 9),
    ("Proper:1", "Proper Name", 15), ("TresName:5", "TRES Name", 14), ("Used:1", "Used", 0),
)  # fmt: skip
JOB_ROWS = (
    ("Account:1 Acct:4", "Account", 9), ("Cluster:2", "Cluster", 9), ("Duration:1", "Duration", 12),
    ("JobCount:2", "Job Count", 9), ("NodeCount:2", "Node Count", 9),
    ("TresCount:5 CpuCount:2 Count:2", "TRES Count", 10), ("User:1", "User", 9), ("Wckey:1", "Wckey", 9),
)  # fmt: skip
RESERVATION_ROWS = (
    ("Allocated:2", "Allocated", 20), ("Associations:2", "Associations", 15), ("Cluster:2", "Cluster", 9),
    ("End:1", "End", 19), ("Flags:1", "Flags", 20), ("Idle:1", "Idle", 20), ("Name:2", "Name", 9),
    ("Nodes:2", "Nodes", 15), ("ReservationId:1", "Id", 8), ("Start:1", "Start", 19),
    ("TotalTime:2", "TotalTime", 9), ("TresCount:5 CpuCount:2 Count:2", "TRES count", 10),
    ("TresName:5", "TRES Name", 14), ("TresTime:5 CpuTime:2", "TRES Time", 9),
)  # fmt: skip
TREE_WIDTH = -20  # of the account, where a tree is shown


def table(
    words: Sequence[str], rows: Sequence[tuple[str, str, int]], lines: Sequence[Line], form: TimeFormat
) -> tuple[Table, list[str]]:
    """The columns of `name%width` words, those of usage as wide as their numbers; also the names no column has."""
    chosen: list[tuple[Field, int]] = []
    unknown: list[str] = []
    for word in words:
        name, _, size = word.partition("%")
        row = next((row for row in rows if Names(row[0]).fits(name)), None)
        if row is None:
            unknown.append(name)
        elif row[2]:
            _, header, width = row
            chosen.append((Field(header, "", header, "", VALUES.get(header, _nothing)), column_width(size) or width))
        else:
            most = max((line.usage[row[1]][0] for line in lines if row[1] in line.usage), default=0.0)
            chosen.append((usage_field(row[1], form), form.width(most)))
    return Table(chosen), unknown


def usage_field(header: str, form: TimeFormat) -> Field:
    """A column of usage."""

    def value(line: Line, view: View) -> str:
        return form.text(*line.usage.get(header, (0.0, 0.0)))

    return Field(header, "", header, "", value)


def _nothing(line: Line, view: View) -> str:
    return ""


VALUES: Mapping[str, Value] = {
    "Account": lambda line, view: line.account,
    "Cluster": lambda line, view: line.cluster,
    "Login": lambda line, view: line.user,
    "Proper Name": lambda line, view: line.proper_name,
    "TRES Count": lambda line, view: str(line.count),
    "TRES Name": lambda line, view: line.resource,
}
