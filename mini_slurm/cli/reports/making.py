"""One report: its period and conditions, the books, its lines on standard output."""

from __future__ import annotations

import pwd
import time

from mini_slurm.cli import common, listing
from mini_slurm.cli.conditions import Wish
from mini_slurm.cli.reports.kinds import JOB, RESERVATION, SIZES_BY_ACCOUNT, UTILIZATION
from mini_slurm.errors import BadUsage
from mini_slurm.model import node_state
from mini_slurm.model.moments import BadMoment, parse_moment
from mini_slurm.output import ledger, nodes, report_fields, reports, size_report
from mini_slurm.output.layout import View
from mini_slurm.output.ledger import Ledger
from mini_slurm.store import queries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from mini_slurm.cli.reports.kinds import Report
    from mini_slurm.cli.reports.session import Session
    from mini_slurm.model.job import Job
    from mini_slurm.output.layout import Table
    from mini_slurm.output.report_fields import Line

HOUR = 3600
RULE = "-" * 80
NO_NODES = "TRES node usage is no longer reported in the Cluster Utilization report.  Please use TRES CPU instead."
ONE_RESOURCE = (" Job report only supports a single --tres type.", " Generate a separate report for each TRES type.")


def show(session: Session, report: Report, words: list[str]) -> None:
    """Write the report that the words describe. Raises BadUsage and FleetError."""
    wish = Wish(words, report.conditions, report.switches, report.bare)
    for word in wish.unknown:
        session.fail(f" Unknown condition: {word}", "Use keyword set to modify value")
    if report is UTILIZATION and "node" in session.resources and not session.is_all:
        raise BadUsage(f"{session.program}: fatal: {NO_NODES}", exit_code=1)
    making = Making(session, report, wish)
    if report in JOB:
        if len(session.resources) > 1:
            session.fail(*ONE_RESOURCE)
        else:
            making.show_sizes()
    else:
        making.show()


class Making:
    """A report on its way."""

    def __init__(self, session: Session, report: Report, wish: Wish) -> None:
        self._session = session
        self._report = report
        self._wish = wish
        self._now = time.time()
        self._db = listing.open_to_read()
        self._fleet = listing.fleet(self._db)
        self._top = self._number("top", 10)
        begin, end = self._moment("start"), self._moment("end")
        today = time.localtime(self._now)
        midnight = [time.mktime((*today[:2], today[2] + days, 0, 0, 0, 0, 0, -1)) for days in (-1, 0)]
        self._begin = midnight[0] if begin is None else _hour(begin + HOUR / 2)
        self._end = midnight[1] if end is None else _hour(min(end, self._now) + HOUR / 2)
        if self._end - self._begin < HOUR:
            self._end = self._begin + HOUR

    def show(self) -> None:
        """A report on what machines and users did, in whole hours that are over."""
        session, report, wish = self._session, self._report, self._wish
        books = reports.Books(self._fleet, self._books(_hour(self._now)), session.resources)
        books.keep(lambda account, user: wish.among("user", user) and self._has(account))
        books.by_name, books.joined, books.most = session.by_name, "group" in wish.switches, self._top
        books.is_tree = "tree" in wish.switches
        lines = report.lines(books) if self._is_asked else []
        words = wish.columns or (report.columns if session.tres is None else report.more).split(",")
        found = report_fields.table(words, report.shown(tree=books.is_tree), lines, session.time)
        resource = "CPU" if session.tres is None and report not in RESERVATION else "TRES"
        what = session.time.title if session.time is report_fields.PERCENT else f"{resource} {session.time.title}"
        self._write(found, lines, [f"Usage reported in {what}"])

    def show_sizes(self) -> None:
        """A report on the sizes of jobs, up to now."""
        session, wish = self._session, self._wish
        sizes = self._sizes()
        books = self._books(self._now)
        jobs = [job for job in self._jobs() if wish.among("user", job.user)] if self._is_asked else []
        is_known = self._report is SIZES_BY_ACCOUNT
        lines = size_report.lines(self._fleet, books, jobs, sizes) if is_known else []
        words = wish.columns or self._report.columns.split(",")
        found = size_report.columns(words, sizes.groups(jobs), session.time, counted=sizes.is_counted)
        notes = [f"TRES type is {session.tres}"] if session.tres is not None else []
        unit = "Units are in number of jobs ran" if sizes.is_counted else f"Time reported in {session.time.title}"
        self._write(found, lines, [*notes, unit])

    def _write(self, table: tuple[Table, list[str]], lines: Sequence[Line], notes: list[str]) -> None:
        session = self._session
        for name in table[1]:
            session.fail(f" Unknown field '{name}'")
        moment = listing.moment_format()
        period = f"{moment(self._begin)} - {moment(self._end - 1)}"
        title = self._report.title.format(period=period, seconds=int(self._end - self._begin), top=self._top)
        if session.named:
            listing.show([RULE, title, *notes, RULE])
        for line in lines:
            line.proper_name = _proper_name(line.user)
        listing.show(table[0].text(lines, View(self._now, moment), named=session.named, form=session.form))

    @property
    def _is_asked(self) -> bool:
        """Is the report about this cluster?"""
        names = self._wish.names.get("cluster", set()) | {name.lower() for name in self._session.clusters or ()}
        return not names or self._fleet.name.lower() in names

    def _has(self, account: str) -> bool:
        return self._wish.among("account", account)

    def _number(self, key: str, default: int) -> int:
        text = self._wish.texts.get(key, "")
        if text and not text.isdecimal():
            self._session.fail(f"{self._session.program}: error: Invalid value for TopCount ({text})")
        return int(text) if text.isdecimal() else default

    def _moment(self, key: str) -> float | None:
        text = self._wish.texts.get(key)
        if text is None:
            return None
        try:
            return parse_moment(text, self._now, time.localtime, time.mktime, ahead=False)
        except BadMoment as error:
            common.say(str(error))
            return None

    def _sizes(self) -> size_report.Sizes:
        wish = self._wish
        words = wish.texts.get("grouping", "").split(",") if "grouping" in wish.texts else []
        bounds = [int(word) for word in words if word.isdecimal()]
        is_individual = bool(words) and "individual".startswith(words[0].lower())
        sizes = size_report.Sizes(
            self._session.resources[0], [] if is_individual else bounds or size_report.SIZES, wish.names.get("account")
        )
        sizes.is_flat, sizes.are_parents = "flat" in wish.switches, "parent" in wish.switches
        sizes.is_counted = "count" in wish.switches
        return sizes

    def _books(self, until: float) -> Ledger:
        """The books from the first job on, at the earliest."""
        first = queries.first_submission(self._db)
        begin = self._begin if first is None else max(self._begin, _hour(first))
        views = self._nodes()
        amounts = [_amounts(node) for node in views.values()]
        capacity = {name: int(amount) for name, amount in ledger.total(amounts).items()}
        books = Ledger(begin, begin if first is None else min(self._end, until), capacity)
        for job in self._jobs():
            books.enter(job)
        for node in views.values():
            if node.state & node_state.BASE == node_state.DOWN and node.reason_time:
                books.enter_down(_amounts(node), node.reason_time)
        return books

    def _nodes(self) -> dict[str, nodes.Node]:
        return nodes.node_list(self._fleet, queries.load_machines(self._db), [])

    def _jobs(self) -> list[Job]:
        """Those that waited or ran in the period, the earlier runs of those that were requeued too."""
        where = queries.Where()
        where.add("eligible_time < ?", self._end)
        where.add("end_time IS NULL OR end_time > ?", self._begin)
        return [job for table in ("job", "run") for job in queries.select_jobs(self._db, ledger.COLUMNS, where, table)]


def _amounts(node: nodes.Node) -> dict[str, int]:
    return {
        "cpu": node.cpus, "mem": node.memory, "node": 1, "billing": node.cpus, "gres/gpu": sum(node.gpus.values()),
    }  # fmt: skip


def _hour(moment: float) -> float:
    """The full hour at or before a moment, in local time."""
    there = time.localtime(moment)
    return moment - moment % 1 - there.tm_min * 60 - there.tm_sec


def _proper_name(user: str) -> str:
    """What a user is called besides the login name."""
    try:
        return pwd.getpwnam(user).pw_gecos.partition(",")[0] if user else ""
    except KeyError:
        return ""
