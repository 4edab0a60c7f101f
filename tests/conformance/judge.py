"""Whether what a command says now agrees with what Slurm said when it was recorded.

Equal is what is equal byte by byte once the numbers of jobs and users have been moved, moments have been shifted by
the same amount, and run times and measured memory are near each other.
"""

from __future__ import annotations

import calendar
import itertools
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tests.conformance.cases import Case

ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
# Words that tell of the machine, the process or the moment and of nothing else: rewritten on both sides.
FREE = [
    (re.compile(pattern), plain)
    for pattern, plain in [
        (r"(?:/[\w.+@%-]+)+/slurm_script\b", "SPOOL/slurm_script"),  # slurmd's spool directory
        (r"\b(\w*_(?:TASK_PID|PORT)=)\d+", r"\1#"),  # process and port numbers
        (r"\b(\w*_IPADDR=)[\d.]+", r"\1#"),  # the network address of a host
        (r"(AllocNode:Sid=\w+:)\d+", r"\1#"),  # session id of the submitter
        (r"\b((?:BootTime|SlurmdStartTime|LastBusyTime)=)" + ISO, r"\1#"),  # history of the node
        (r'("(?:boot_time|slurmd_start_time|last_busy|cpu_load|free_memory)": )\d+', r"\1#"),
        (r"\b((?:CPULoad|FreeMem)=)[\d.]+", r"\1#"),  # what else the machine is doing
        (r'\b(Priority=|"priority": )[1-4]\d{3}\b', r"\1#"),  # its fair-share part moves with history
        (r"\b(Scheduler=)(?:Main|Backfill)\b", r"\1#"),  # which scheduling loop came first
        # the first line of squeue -l
        (r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\b", "DATE"),
        (r"\b0x[0-9a-f]{6,}\b", "0x#"),  # memory addresses
        # said twice, or not
        (r"(srun: Job allocation \d+ has been revoked\n)(?:\1|srun: Force Terminated JobId=\d+\n)*", r"\1"),
        # said, if in time
        (r"(Relinquishing job allocation \d+\n)salloc: Job allocation \d+ has been revoked\.\n", r"\1"),
    ]
]
NEAR = 120  # seconds that moments and run times may differ
FAIR_SHARE = 1000  # weight of the share in a priority
PRIORITY = re.compile(r"%\.?\d*Q|[Pp]riority")  # commands that list priorities
RAW = re.compile(r"(?:Elapsed|CPUTime|ResvCPU)Raw|PendingTime", re.I)  # ... and times in seconds
SIZE = re.compile(r"0|[\d.]+K|\d+\.\d+M")
SMALL = 5e4  # kilobytes
SMALL_NUMBERS = re.compile(r"\d{1,4} \d{1,4}")
NODE_SAYS = re.compile(r"^(?:(?:\d+: )?slurmstepd-|srun: error: \w+: tasks? )", re.M)
TOKEN = (
    r"(?P<iso>" + ISO + r")|(?P<epoch>(?<![\d.])1[6-9]\d{8}(?!\d))"
    r"|(?P<time>(?<![\d:])(?:(?:\d+-)?%s|\d+:\d\d\.\d{3})(?![\d:]))|(?P<num>\d+)|(?P<text>\D+)"
)
LONG = re.compile(TOKEN % r"\d+:\d\d:\d\d(?:\.\d+)?")
SHORT = re.compile(TOKEN % r"\d+:\d\d(?::\d\d)?")  # only squeue has M:SS (else it is an exit code)
UNNAMED = 5  # jobs that a case may make before the first one whose number it keeps


class Difference(NamedTuple):
    """One thing in which a case does not agree; None where there was nothing."""

    what: str
    recorded: object
    now: object


def seconds(text: str) -> float:
    """Seconds of [D-][H:]M:S."""
    days, _, rest = text.rpartition("-")
    total = 0.0
    for part in rest.split(":"):
        total = total * 60 + float(part)
    return total + 86400 * int(days or 0)


def moment(text: str) -> int:
    """Seconds since the epoch, of a number or an ISO date."""
    return int(text) if text.isdigit() else calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%S"))


def notations(text: str) -> set[int]:
    """In which of Slurm's two notations of a time is it: 0 as 1:02:03, 1 as 01:02:03?"""
    rest, second = divmod(int(seconds(text)), 60)
    (days, hours), minutes = divmod(rest // 60, 24), rest % 60
    short = f"{hours}:{minutes:02}:{second:02}" if hours else f"{minutes}:{second:02}"
    long = f"{hours:02}:{minutes:02}:{second:02}"
    return {kind for kind, form in enumerate([short, long]) if text == (f"{days}-{long}" if days else form)}


class Judge:
    """Compares recorded and present texts of a case, or of the cases that share a queue."""

    def __init__(self, recorded_last: int, our_last: int, uids: Mapping[str, str], adapt: Callable[[str], str]) -> None:
        self.recorded_last = recorded_last  # number of the newest job before the case, there
        self.our_last = our_last  # ... and here
        self.ids = dict(uids)
        self.shift: int | None = None
        self.anchor: int | None = None
        self.adapt = adapt  # another user, another home

    def learn(self, recorded: Mapping[str, int], ours: Mapping[str, int], unnamed: int = UNNAMED) -> None:
        """Take the numbers of new jobs from the variables of a case; some unnamed ones may have been made before."""
        both = sorted((number, ours[name]) for name, number in recorded.items() if name in ours)
        new = [(number, our) for number, our in both if number > self.recorded_last and our > self.our_last]
        if new and self.shift is None:
            self.shift = new[-1][1] - new[-1][0]
            self.recorded_last = max(self.recorded_last, new[0][0] - unnamed - 1)
            self.our_last = max(self.our_last, new[0][1] - unnamed - 1)
        for number, our in new:
            self.ids.setdefault(str(number), str(our))

    def job(self, number: str) -> str:
        """Our number of a recorded job: numbers are given out in order, so all of a case move by the same amount."""
        if number in self.ids or self.shift is None or int(number) <= self.recorded_last:
            return self.ids.get(number, number)
        return str(int(number) + self.shift)

    def _number(self, recorded: str, our: str) -> bool:
        """Equal, or the same job's (or user's) number; zero-padded numbers keep their width."""
        plain, ours = recorded.lstrip("0") or "0", our.lstrip("0") or "0"
        if recorded == our or ((plain != recorded or ours != our) and len(our) != max(len(recorded), len(ours))):
            return recorded == our
        next_there = self.recorded_last < int(plain) < self.recorded_last + 200
        if self.shift is None and next_there and self.our_last < int(ours) < self.our_last + 9:
            self.shift = int(ours) - int(plain)  # no variable holds the new job: it is our next number
        return self.job(plain) == ours

    def _token(self, kind: str | None, recorded: str, our: str, pending: bool) -> bool:
        if recorded == our or kind == "text":
            return recorded == our
        if kind == "num":
            return self._number(recorded, our)
        if kind == "time":
            return _times_agree(recorded, our, pending)
        try:
            a, b = moment(recorded), moment(our)
        except ValueError:
            return False  # ours is no day of the calendar
        if self.anchor is None:  # moments keep their distance from the first of the case, which is free
            self.anchor = b - a
        return abs(b - a - self.anchor) < NEAR or (kind == "iso" and recorded[10:] == our[10:])  # or the time of day

    def _part(self, recorded: str, our: str, command: str, pending: bool) -> bool:
        """Do two parts of a word agree, between its |?"""
        if recorded != our and re.search(r"sacct|sstat", command) and SIZE.fullmatch(recorded) and SIZE.fullmatch(our):
            return _sizes_agree(recorded, our)
        if SMALL_NUMBERS.fullmatch(f"{recorded} {our}"):
            gap = abs(int(recorded) - int(our))
            if gap < NEAR and RAW.search(command):
                return True  # seconds elapsed
            if gap <= FAIR_SHARE < min(int(recorded), int(our)) and PRIORITY.search(command):
                return True
        lexer = SHORT if "squeue" in command else LONG
        a, b = ([(m.lastgroup, m[0]) for m in lexer.finditer(text)] for text in (recorded, our))
        if len(a) != len(b):
            return False
        return all(x[0] == y[0] and self._token(*x, y[1], pending) for x, y in zip(a, b, strict=True))

    def _word(self, recorded: str, our: str, command: str, pending: bool) -> tuple[bool, int]:
        """Do two words agree? And how much longer is ours?"""
        recorded, width = self.adapt(recorded), len(recorded)
        parts = recorded.split("|"), our.split("|")
        if len(parts[0]) == len(parts[1]) and all(
            self._part(x, y, command, pending) for x, y in zip(*parts, strict=True)
        ):
            return True, len(our) - width
        # a column cut at its width: a job number of another length leaves more or less room for the rest
        moved = re.sub(r"\d+", lambda m: self.job(m[0]), recorded)
        cut, kept = moved.rstrip("+|"), our.rstrip("+|")
        fits = width <= len(our) < len(moved) or len(moved) < len(our) <= width
        return fits and (cut.startswith(kept) or kept.startswith(cut)), len(our) - width

    def _line(self, recorded: str, our: str, command: str) -> bool:
        if recorded == our:
            return True
        pending = bool(re.search(r"(?<![\w=])(PD|PENDING)\b", recorded))
        a, b = (re.split(r"([ \t]+)", text) for text in (recorded, our))  # word, blanks, word, blanks, ..., word
        a, b = (x if not x[0] or y[0] else ["", "", *x] for x, y in ((a, b), (b, a)))  # no blanks at the beginning
        if len(a) != len(b):
            return False
        agree = [self._word(x, y, command, pending) for x, y in zip(a[::2], b[::2], strict=True)]
        grown = [more for _, more in agree]
        for i, (x, y) in enumerate(zip(a[1::2], b[1::2], strict=True)):  # blanks beside a longer word give way to it
            if x != y and len(x) - len(y) not in {grown[i], grown[i + 1], grown[i] + grown[i + 1]} - {0}:
                return False
        return all(same for same, _ in agree)

    def text(self, recorded: str | None, our: str | None, command: str = "") -> bool:
        """Do two texts agree? None where there was no answer."""
        if recorded is None or our is None:
            return recorded is our
        for pattern, plain in FREE:
            recorded, our = pattern.sub(plain, recorded), pattern.sub(plain, our)
        a, b = recorded.split("\n"), our.split("\n")
        if NODE_SAYS.search(recorded):  # nodes write in any order, and while srun does
            a, b = sorted(a, key=_said_by_a_node), sorted(b, key=_said_by_a_node)
        if re.search(r"sacct|squeue.* -t", command) and re.match(r"\s*JOBID\b", recorded, re.I):
            a, b = _newer(a, self.recorded_last), _newer(b, self.our_last)
        if re.search(r"\bsinfo\b.* -\w*N", command):  # the rows of a node come in any order
            a, b = _sorted_within_nodes(a), _sorted_within_nodes(b)
        return len(a) == len(b) and all(self._line(x, y, command) for x, y in zip(a, b, strict=True))


def _times_agree(recorded: str, our: str, pending: bool) -> bool:
    a, b = seconds(recorded), seconds(our)
    if "." in recorded + our:  # processor time: 00:00:00 or 00:00.014
        return max(a, b) < NEAR
    if pending or not notations(recorded) & notations(our):  # a job that waits has used no time
        return False
    if a % 60 == 0 and a:  # whole minutes are limits, or what is left of one at its first second
        return 0 < a - b < NEAR and b % 60 != 0
    return abs(a - b) < (NEAR if a else 60)  # elapsed or left: within two minutes


def _sizes_agree(recorded: str, our: str) -> bool:
    """Measured memory: small, or within a factor of two."""
    a, b = (float(text.rstrip("KM")) * (1024 if "M" in text else 1) for text in (recorded, our))
    return max(a, b) < SMALL or a / 2 < b < a * 2


def _said_by_a_node(line: str) -> str:
    return line if re.match(r"(?:\d+: )?slurmstepd-|srun: ", line) else "~"


def _newer(lines: list[str], last: int) -> list[str]:
    """Without the jobs that are older than the case."""
    return [line for line in lines if not (m := re.match(r"\s*(\d+)(?=[\s_.+|])", line)) or int(m[1]) > last]


def _sorted_within_nodes(lines: list[str]) -> list[str]:
    def node(line: str) -> str:
        return re.findall(r"^\w*", line)[0]

    return [line for _, rows in itertools.groupby(lines, node) for line in sorted(rows)]


def compare(case: Case, got: Mapping[str, Any], judge: Judge) -> list[Difference]:
    """In what a case, as it was played now, does not agree."""
    differences = _answers(case, got["cmd"], "cmd", case["cmd"], judge)
    for recorded, our in zip(case.get("after", []), got["after"], strict=False):
        if "rc" in recorded:
            differences += _answers(recorded, our, "after", recorded["cmd"], judge)
    differences += _files(case.get("show", {}), dict(got["show"]), judge)
    return differences + [Difference("time limit", None, None)] * got["late"]


def _answers(recorded: Case, our: Mapping[str, Any], name: str, command: str, judge: Judge) -> list[Difference]:
    found = []
    for part in ("stdout", "stderr", "rc"):
        a, b = recorded[part], our[part]
        if not (a == b if part == "rc" else judge.text(a, b, command)):
            found.append(Difference(f"{part} of {name}: {command}", a, b))
    return found


def _files(recorded: Mapping[str, str], ours: dict[str, str], judge: Judge) -> list[Difference]:
    found = []
    for name, text in recorded.items():
        same = next((our for our in sorted(ours) if judge.text(name, our)), None)
        if same is None or not judge.text(text, ours[same]):
            found.append(Difference(f"file {name}", text, None if same is None else ours[same]))
        ours.pop(same or "", None)
    return found + [Difference(f"file {name} that should not be", None, text) for name, text in ours.items()]
