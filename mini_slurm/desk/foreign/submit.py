"""A submission that is to go to a cluster: where it goes, and what is sent there."""

from __future__ import annotations

import json
import os
import time

from mini_slurm.clusters import words as command_line
from mini_slurm.clusters.base import Order, Script
from mini_slurm.config.paths import fleet_file
from mini_slurm.desk import places, submission
from mini_slurm.desk.foreign.place import Place
from mini_slurm.desk.state import FLEET, wake_controller
from mini_slurm.errors import MiniSlurmError, Refused
from mini_slurm.model.foreign import ForeignJob
from mini_slurm.options import table
from mini_slurm.options.describe import make_array
from mini_slurm.options.grammar import Setting
from mini_slurm.options.script import directives, join
from mini_slurm.options.table import OPTIONS
from mini_slurm.store import foreign
from mini_slurm.store.database import choose_fleet, get_setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from mini_slurm.clusters.submission import Submitted, Tell
    from mini_slurm.config.clusters import Clusters
    from mini_slurm.desk.submission import Say

SHOWS = ("help", "usage", "version")
# options that are met here, not there; the comment is part of the description
OURS = ("clusters", "comment", "fleet", "quiet", "wait")
# those that are taken out of a script's lines, too: there they would lead to another place, or have sbatch stay
OURS_IN_SCRIPTS = frozenset({"clusters", "wait"})


class Request:
    """What was typed, as far as we understand it: another system may know options that we do not."""

    def __init__(self, arguments: list[str], given: submission.Script | None = None) -> None:
        """`given`: the script, where the arguments do not name it."""
        self.given = given
        self.pieces, self.words = command_line.split(arguments, (*OPTIONS, FLEET))
        typed = command_line.settings_of(self.pieces)
        self.shows = any(setting.option.field in SHOWS for setting in typed)
        self.source = self._read()
        self._directives = directives(self.source.data) if self.source else []
        settings = [setting for _, words in self._directives for setting in self._understood(words)]
        settings += _of_variables()
        self.of = {setting.option.field: setting.text or "" for setting in [*settings, *typed]}

    def _understood(self, words: list[str]) -> list[Setting]:
        return command_line.settings_of(command_line.split(words, OPTIONS)[0])

    def _read(self) -> submission.Script | None:
        """The script; None: the other system is to say what is wrong with it."""
        if self.given is not None:
            return self.given
        try:
            return submission.find_script(command_line.settings_of(self.pieces), self.words)
        except MiniSlurmError:
            return None

    def script(self) -> bytes:
        """The script, without what is met here."""
        if self.source is None:
            return b""
        lines = self.source.data.split(b"\n")
        for number, words in self._directives:
            if any(setting.option.field in OURS_IN_SCRIPTS for setting in self._understood(words)):
                pieces, rest = command_line.split(words, OPTIONS)
                lines[number] = join([*command_line.without(pieces, OURS_IN_SCRIPTS), *rest])
        return b"\n".join(lines)

    def arguments(self) -> list[str]:
        """The options for the other system."""
        return command_line.without(self.pieces, OURS)


def _of_variables() -> list[Setting]:
    """What variables like SBATCH_PARTITION say."""
    named = ((option, name) for option in OPTIONS for name in option.env)
    return [Setting(option, os.environ[name]) for option, name in named if name in os.environ]


def goal(program: str, of: Mapping[str, str], there: Clusters, db: sqlite3.Connection) -> str | None:
    """The cluster to go to; None: the fleet. Raises MiniSlurmError."""
    if of.get("clusters") or os.environ.get(places.VARIABLE):
        names = places.named(program, of.get("clusters"), db)
    else:
        wanted = {*of.get("partition", "").split(",")}
        names = [name for name, entry in there.clusters.items() if wanted <= {*entry.partitions}]
        names = names or places.default(there)
    return names[0] if names and names[0] in there.clusters else None


def submit(order: Order, place: Place, tell: Tell | None = None) -> Submitted:
    """Submit it. Raises MiniSlurmError. `tell` is told at once of a job that is waited for over there."""
    from mini_slurm.clusters import submission as exactly_once

    choose_fleet(place.db, fleet_file() or "")  # whose clusters the controller is to watch
    done = exactly_once.submit(
        place.db, place.cluster, place.runner, place.refresher, order, tell or exactly_once.untold
    )
    if done.job is not None:
        wake_controller(place.state)
    return done


def make_order(program: str, arguments: list[str], request: Request, place: Place, say: Say) -> Order:
    """The submission as this cluster understands it. Raises MiniSlurmError."""
    if program != "sbatch":
        _check_alone(arguments, place.entry.name)
    if place.cluster.native:
        return _order(request, place)
    from mini_slurm.desk.foreign.translate import order

    return order(program, arguments, request.given, place, say)


def _check_alone(arguments: list[str], name: str) -> None:
    """Raise Refused for an option that the fleet alone has."""
    pieces, _ = command_line.split(arguments, (*OPTIONS, *table.OURS, FLEET))
    for setting in command_line.settings_of(pieces):
        if setting.option in table.OURS:
            raise Refused(
                f"--{setting.option.long} cannot be passed to cluster {name}: it is an option of the fleet",
                hint="leave it out; in a job on a Slurm, the script itself may call: scontrol requeue $SLURM_JOB_ID",
            )


def _order(request: Request, place: Place) -> Order:
    job = _describe(request, place)
    source = request.source
    data = request.script()
    changed = source is None or data != source.data
    given = source is not None and source.path is not None
    script = Script(source.name, data, tuple(request.words[1:])) if given and source is not None else None
    path = request.words[0] if given and not changed else None
    rest = () if given else tuple(request.words)
    stdin = b"" if given or "wrap" in request.of else data
    return Order((*request.arguments(), *rest), script, stdin, job, path, source.data if source else b"")


def _describe(request: Request, place: Place) -> ForeignJob:
    """What is known of the job before the other system tells more."""
    of, source = request.of, request.source
    job = ForeignJob(cluster=place.entry.name, tag=foreign.new_tag(get_setting(place.db, "state_id") or ""))
    job.name = of.get("name") or (source.name if source else "")
    job.partition, job.account, job.comment = of.get("partition", ""), of.get("account"), of.get("comment") or None
    job.uid, job.gid = os.getuid(), os.getgid()
    job.user, job.group_name = submission.user_and_group(job.uid, job.gid)
    folder = submission.working_folder()
    job.work_dir = os.path.join(folder, of.get("work_dir") or "")
    job.command, job.arguments = source.path if source else None, json.dumps(request.words[1:])
    job.submit_host, job.submit_session, job.submit_time = os.uname().nodename, os.getsid(0), time.time()
    job.eligible_time = job.submit_time
    _number_tasks(job, of.get("array"))
    return job


def _number_tasks(job: ForeignJob, expression: str | None) -> None:
    if not expression:
        return
    try:
        make_array(job, expression)
    except MiniSlurmError:
        return  # the other system says so, too
