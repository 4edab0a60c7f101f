"""`scontrol show assoc_mgr [accounts=] [flags=] [qos=] [users=]`: accounts, users and QOS, and what they use now."""

from __future__ import annotations

import pwd

from mini_slurm.cli import common, listing, shares
from mini_slurm.model import associations, fair_share
from mini_slurm.model.fleet import NORMAL, Qos
from mini_slurm.output import association_records as records
from mini_slurm.store import queries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.cli.control.session import Session
    from mini_slurm.model.job import Job

KEYS = ("accounts", "flags", "qos", "users")
KINDS = {"users": "User", "assoc": "Association", "qos": "QOS"}
NONE = {"users": "No users", "assoc": "No associations", "qos": "No QOS"}
COLUMNS = (
    *("job_id", "account", "user", "uid", "qos", "state", "start_time", "time_limit", "nodes", "node", "node_list"),
    *("alloc_cpus", "alloc_memory", "alloc_gpus"),
)


def show(session: Session, verb: str, words: list[str]) -> None:
    """Show all that is asked for; without flags everything."""
    wish = _read(session, words)
    if wish is None:
        return
    found = Found(session, wish)
    lines = ["Current Association Manager state"]
    space = [] if session.oneliner else [""]
    for kind in (kind for kind in KINDS if kind in wish.get("flags", KINDS)):
        told = {"users": found.users, "assoc": found.associations, "qos": found.qos}[kind]()
        title = f"{KINDS[kind]} Records" if told else f"{NONE[kind]} currently cached in Slurm."
        lines += [*space, title, *space, *told]
    listing.show(lines)


def _read(session: Session, words: list[str]) -> dict[str, set[str]] | None:
    """What is asked for, by key; None when that does not parse."""
    wish: dict[str, set[str]] = {}
    for word in words:
        name, _, value = word.partition("=")
        key = next((key for key in KEYS if name and key.startswith(name.lower())), None)
        if not value:
            common.say(f"No value given for option {word}")
            return None
        if key is None:
            session.fail(f"invalid entity: {word} for keyword:show assoc_mgr")
            return None
        wish[key] = wish.get(key, set()) | set(filter(None, value.split(",")))
        if key == "flags":
            wish[key] = {kind for kind in KINDS if kind in value.lower()}
            if not wish[key]:
                common.say(f"invalid flag '{value}', valid options are 'Assoc, QOS, and/or Users'")
                return None
    return wish


class Found:
    """What there is to show of the fleet, as far as it is asked for."""

    def __init__(self, session: Session, wish: dict[str, set[str]]) -> None:
        self._fleet = session.fleet
        self._wish = wish
        self._now = session.view().now
        self._end = " " if session.oneliner else "\n    "
        self._tree = associations.tree(self._fleet)
        self._weights = fair_share.shares(self._tree, shares.usage(self._fleet, session.db, self._now))
        where = queries.Where()
        where.states(None, self._now)
        self._jobs = [job for job in queries.select_jobs(session.db, COLUMNS, where) if not job.state.is_over]

    def _wants(self, key: str, value: str) -> bool:
        return key not in self._wish or value in self._wish[key]

    def users(self) -> list[str]:
        """A line each."""
        default = {one.user: one.account for one in self._tree if one.user and one.is_default}
        names = dict.fromkeys(one.user for one in self._tree if one.user)
        return [records.user(name, _uid(name), default.get(name, "")) for name in names if self._wants("users", name)]

    def associations(self) -> list[str]:
        """A record each."""
        found = []
        for one in self._tree:
            if self._wants("accounts", one.account) and self._wants("users", one.user):
                use = records.Use([job for job in self._jobs if _is_of(job, one)], self._now)
                uid = _uid(one.user) if one.user else None
                lines = records.association(self._fleet.name, one, uid, self._weights[one], use)
                found.append(self._end.join(lines))
        return found

    def qos(self) -> list[str]:
        """A record each."""
        known = {NORMAL: Qos(NORMAL), **self._fleet.qos}
        found = []
        for number, one in enumerate(known.values(), start=1):
            if self._wants("qos", one.name):
                mine = [job for job in self._jobs if (job.qos or NORMAL) == one.name]
                accounts = self._by(mine, "account")
                lines = records.quality(one, number, records.Use(mine, self._now), accounts, self._by(mine, "uid"))
                found.append(self._end.join(lines))
        return found

    def _by(self, jobs: list[Job], column: str) -> dict[str, records.Use]:
        values = dict.fromkeys(getattr(job, column) for job in jobs)
        return {
            str(value): records.Use([job for job in jobs if getattr(job, column) == value], self._now)
            for value in values
        }


def _is_of(job: Job, one: associations.Association) -> bool:
    """Does the job count for this association, or for one below it?"""
    if one.user:
        return (job.account, job.user) == (one.account, one.user)
    return one.parent is None or job.account == one.account


def _uid(name: str) -> int | None:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None
