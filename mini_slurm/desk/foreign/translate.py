"""A submission to a cluster that does not speak Slurm: the job as we understand it, for its module to translate."""

from __future__ import annotations

from mini_slurm.clusters.base import Order, Script
from mini_slurm.desk import submission
from mini_slurm.desk.state import FLEET
from mini_slurm.errors import MiniSlurmError, Refused
from mini_slurm.model.cluster_types import CLUSTER_TYPES
from mini_slurm.model.foreign import ForeignJob
from mini_slurm.model.states import JobState
from mini_slurm.options.grammar import Setting, parse
from mini_slurm.options.script import check_script, directives
from mini_slurm.options.table import OPTIONS
from mini_slurm.store import foreign
from mini_slurm.store.database import get_setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from mini_slurm.desk.foreign.place import Place
    from mini_slurm.desk.submission import Say
    from mini_slurm.options.collect import Values

SINGLETON = "singleton"
# what may stand on the command line beside such a script: it is met on this side
OURS = frozenset({"clusters", "parsable", "quiet", "wait", "verbose"})


def order(program: str, arguments: list[str], source: submission.Script | None, place: Place, say: Say) -> Order:
    """The submission. `source`: the script, where the arguments do not name it. Raises MiniSlurmError."""
    given, words = parse(program, arguments, (*OPTIONS, FLEET), permute=False)
    given = [setting for setting in given if setting.option is not FLEET]
    source = source or submission.find_script(given, words)
    is_theirs = _is_theirs(source.data, place.entry.type)
    if not is_theirs:
        check_script(source.data)
    values = _read_theirs(program, given, source) if is_theirs else submission.read_values(program, given, source, say)
    job = ForeignJob(**submission.describe(values, source, words[1:]).__dict__)
    job.cluster, job.tag = place.entry.name, foreign.new_tag(get_setting(place.db, "state_id") or "")
    if is_theirs:
        _check_theirs([setting.option.field for setting in given], words)
        script = Script(source.name, source.data) if source.path else None
        stdin = b"" if script else source.data
        return Order((), script, stdin, job, source=source.data, is_theirs=True)
    folder = submission.working_folder()
    asked = {field: values.of.get(field) for field in values.source}
    others = _others(values, place, job)
    job.reason = _first_reason(asked, others)  # until that system is asked
    return Order((), None, b"", job, source=source.data, asked=asked, others=others, folder=folder)


def _first_reason(asked: Mapping[str, object], others: Mapping[int, ForeignJob]) -> str:
    """Why the job does not start as soon as it is there."""
    if asked.get("hold"):
        return "JobHeldUser"
    if any(not other.state.is_over for other in others.values()):
        return "Dependency"
    return "BeginTime" if asked.get("begin") else "None"


def _is_theirs(script: bytes, kind: str) -> bool:
    """Is it written for that system alone?"""
    mark = CLUSTER_TYPES[kind].lines
    return bool(mark) and not directives(script) and any(line.startswith(mark) for line in script.split(b"\n"))


def _read_theirs(program: str, given: list[Setting], source: submission.Script) -> Values:
    """What we understand of it. Its own system judges the lines, so none of them is wrong here."""
    try:
        return submission.read_values(program, given, source, _silent)
    except MiniSlurmError:
        return submission.read_values(program, given, submission.Script(b"", source.name, source.path), _silent)


def _silent(line: str) -> None:
    """What is odd in the lines, that system says itself."""


def _check_theirs(fields: list[str], words: list[str]) -> None:
    if len(words) > 1:
        raise Refused("a #PBS script cannot have arguments", hint="set them within the script")
    if not {*fields} <= OURS:
        raise Refused(
            "options on the command line cannot be given to a #PBS script", hint="write them as #PBS lines within it"
        )


def _others(values: Values, place: Place, mine: ForeignJob) -> dict[int, ForeignJob]:
    """The jobs of this cluster that the dependency names, or means by their name, as they are now."""
    words = str(values.of.get("dependency") or "").replace(",", ":").replace("?", ":").split(":")
    numbers = {int(word) for word in words if word.isdigit()}
    if not numbers and SINGLETON not in words:
        return {}
    place.refresh()
    where = foreign.of_cluster(place.entry.name)
    if SINGLETON in words:
        where.add("ours AND name = ?", mine.name)
    else:
        where.jobs(numbers)
    found: dict[int, ForeignJob] = {}
    # of an array, the task that tells most: one that has not ended, else one that went badly
    for job in sorted(foreign.select(place.db, where), key=lambda job: (not job.state.is_over, _went_badly(job))):
        found[job.array_job_id or job.job_id] = job
    return found


def _went_badly(job: ForeignJob) -> bool:
    return job.state is not JobState.COMPLETED
