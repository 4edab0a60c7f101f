"""What the fleet adds to a job that is submitted, and what it refuses, in Slurm's words and in Slurm's order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mini_slurm.errors import Refused
from mini_slurm.model import arrays, features, hostlist
from mini_slurm.model.fleet import NORMAL, Association, Fleet, Partition
from mini_slurm.model.gpu_request import asked_gpus
from mini_slurm.model.gres import counts_badly
from mini_slurm.model.job import Job
from mini_slurm.model.machine import Machine
from mini_slurm.model.request import extra, note_least_nodes, preferring
from mini_slurm.model.reservation import named
from mini_slurm.scheduler import access, licenses, quotas, scopes
from mini_slurm.scheduler.limits import (
    ACCOUNT,
    QOS,
    TOO_LONG,
    TOO_MANY_CPUS,
    TOO_MANY_NODES,
    TOO_MUCH_MEMORY,
    excess,
)
from mini_slurm.scheduler.room import UNAVAILABLE, Candidate, candidates, check_room, largest

FAILED = "Batch job submission failed: "
UNKNOWN_NODE = FAILED + "Invalid node name specified"
BAD_COUNT = FAILED + "Node count specification invalid"
BAD_ACCOUNT = FAILED + "Invalid account or account/partition combination specified"
BAD_QOS = FAILED + "Invalid qos specification"
BAD_FEATURE = FAILED + "Invalid feature specification"
BAD_PREFERENCE = FAILED + "Invalid preferred feature specification"
BAD_BATCH = FAILED + "Job --batch option is invalid or not a subset of --constraints"
BAD_GRES = FAILED + "Invalid Trackable RESource (TRES) specification"
BAD_LICENSE = FAILED + "Invalid license specification"
BAD_TIME = FAILED + "Requested time limit is invalid (missing or exceeds some limit)"
AGAINST_POLICY = FAILED + "Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)"
BAD_LEAST_TIME = FAILED + "Invalid time-min specification (exceeds job's time or other limits)"
BAD_RESERVATION = "Requested reservation is invalid"
CLOSED_RESERVATION = "Access denied to requested reservation"
TOO_LARGE = {
    TOO_MANY_CPUS: FAILED + "More processors requested than permitted",
    TOO_MANY_NODES: BAD_COUNT,
    TOO_LONG: BAD_TIME,
    TOO_MUCH_MEMORY: FAILED + "Memory required by task is not available",
}
TOO_LONG_TEXT = FAILED + "Pathname of a file, directory or other parameter too long"
LONGEST_TEXT = 1024  # letters of a name or an expression; paths may have more
LONGEST_PATH = 4096
TEXTS = ("account", "comment", "features", "licenses", "name", "partition", "qos", "reservation", "gres", "gpus")
PATHS = ("std_in", "std_out", "std_err", "work_dir")


def admit(
    job: Job, fleet: Fleet, machines: Mapping[str, Machine], *, strict: bool, groups: access.Groups = tuple
) -> None:
    """Complete the job. Raises Refused when the fleet does not take it.

    Slurm takes some of what can never run: a held job that fits nowhere, and what exceeds a partition's limits.
    `strict` does not. `groups` tells in which the job's user is.
    """
    _check_texts(job)
    _check_array(job, fleet)
    if "" in (job.gres or "").split(",") and job.gres is not None:
        raise Refused(BAD_GRES, hint="write for example --gres=gpu:2, without further commas")
    if any(map(counts_badly, asked_gpus(job))):
        raise Refused(BAD_GRES, hint="write for example --gres=gpu:2 or --gpus=2, a whole number")
    _check_required(job, fleet)
    partitions = _admitting(job, _partitions(job, fleet), groups)
    names = {name for name in job.__dict__.get("partition", "").split(",") if name}
    if len(names) != len(partitions):  # else the text stays as it was written until the job starts, as Slurm has it
        job.partition = ",".join(partition.name for partition in partitions)
    charge(job, fleet)
    _settle_times(job, fleet, partitions)
    access.complete(job, fleet, partitions[0])
    _check_excluded(job, fleet)
    _check_features(job, fleet)
    _check_licenses(job, fleet)
    _check_reservation(job, fleet)
    if job.features is not None:
        job.features = job.features.replace(",", "&")
    _count_machines(job, fleet, partitions, machines)
    for one in scopes.in_each(job, fleet):  # as in Slurm, each of them may refuse the job
        if strict or fleet.enforce_limits or scopes.is_strict(one, fleet):
            _check_quotas(one, fleet)
    if strict or fleet.enforce_limits:
        _check_limits(job, fleet, partitions, machines)
    if strict or job.priority:
        asked = preferring(job) or job  # as in Slurm, which looks for what is preferred alone here
        _check_somewhere(asked, fleet, partitions, machines)
        job.extra = asked.extra
        _check_reserved(job, fleet, partitions, machines)


def _check_texts(job: Job) -> None:
    """Nothing is longer than Slurm lets it be."""
    given = job.__dict__
    kept = [value for name, value in extra(job).items() if name not in ("mem-bind", "bb")]
    if any(len(str(given.get(field) or "")) > LONGEST_TEXT for field in TEXTS) or any(
        len(value) > LONGEST_TEXT for value in kept
    ):
        raise Refused(TOO_LONG_TEXT, hint=f"a name or an expression may have {LONGEST_TEXT} letters")
    if any(len(str(given.get(field) or "")) > LONGEST_PATH for field in PATHS):
        raise Refused(TOO_LONG_TEXT, hint=f"a path may have {LONGEST_PATH} letters")


def _known_names(text: str | None, fleet: Fleet) -> list[str]:
    """The machines of a hostlist, all of them the fleet's. Raises Refused."""
    try:
        names = [fleet.node_name(name) for name in hostlist.expand(text or "")]
    except ValueError:
        raise Refused(UNKNOWN_NODE, hint="write for example node[1-3,7]") from None
    if not fleet.machines.keys() >= set(names):
        raise Refused(UNKNOWN_NODE, hint=f"machines here: {hostlist.compress(list(fleet.machines))}")
    return names


def _check_required(job: Job, fleet: Fleet) -> None:
    named = _known_names(job.required_nodes, fleet)
    count = _reach(named, fleet) if "contiguous" in extra(job) else len(set(named))
    if job.nodes < 1 or (job.max_nodes is not None and count > job.max_nodes):
        raise Refused(BAD_COUNT, hint=f"machines here: {hostlist.compress(list(fleet.machines))}")
    job.nodes = max(job.nodes, count)
    if named and extra(job).get("distribution", "").startswith("arbitrary"):
        job.required_nodes = hostlist.compress(named)
    elif named:
        job.required_nodes = _in_order(named, fleet)


def _reach(names: list[str], fleet: Fleet) -> int:
    """How many machines stand in a row from the first of these to the last."""
    places = [place for place, name in enumerate(fleet.machines) if name in names]
    return max(places) - min(places) + 1 if places else 0


def _in_order(names: Iterable[str], fleet: Fleet) -> str:
    """As a hostlist, each machine once and in the fleet's order."""
    wanted = set(names)
    return hostlist.compress([name for name in fleet.machines if name in wanted])


# --- partitions


def _partitions(job: Job, fleet: Fleet) -> list[Partition]:
    """Those that were named, or the default one, or those that take their jobs meanwhile. Raises Refused."""
    hint = f"partitions here: {', '.join(fleet.partitions)}"
    if "partition" not in job.__dict__:
        if fleet.default_partition is None:
            raise Refused(FAILED + "No partition specified or system default partition", hint=hint)
        names = [fleet.default_partition.name]
    else:
        names = list(dict.fromkeys(name for name in job.partition.split(",") if name))
    unknown = [name for name in names if name not in fleet.partitions]
    if unknown or not names:
        raise Refused(
            f"invalid partition specified: {unknown[0] if unknown else '(null)'}",
            FAILED + "Invalid partition name specified",
            hint=hint,
        )
    found = [access.open_one(fleet.partitions[name], fleet) for name in names]
    if not any(found):
        raise Refused(FAILED + "Required partition not available (inactive or drain)")
    return list(dict.fromkeys(one for one in found if one is not None))


def _admitting(job: Job, partitions: list[Partition], groups: access.Groups) -> list[Partition]:
    """Those of them that take the job from this user and place. Raises Refused."""
    refusals = [access.refusal(job, one, groups) for one in partitions]
    if all(refusals):
        raise Refused(f"{FAILED}{refusals[0]}", hint=f"mscontrol show partition {partitions[0].name} tells who may")
    return [one for one, refused in zip(partitions, refusals, strict=True) if not refused]


def _settle_times(job: Job, fleet: Fleet, partitions: list[Partition]) -> None:
    """The time limit of a job that said none, and what else was said of times. Raises Refused."""
    first = partitions[0]
    if "time_limit" not in job.__dict__:
        job.time_limit = scopes.usual_time(job, fleet, first) if first.default_time is None else first.default_time
    limits = [partition.max_time for partition in partitions]
    longest = None if None in limits else max(limit for limit in limits if limit is not None)
    if job.time_min is not None:
        for limit in (longest, job.time_limit):
            if limit is not None and job.time_min > limit:
                raise Refused(BAD_LEAST_TIME, hint=f"{limit // 60} minutes are allowed")
    if job.deadline is not None:
        if job.deadline < int(job.submit_time):
            raise Refused(BAD_TIME, hint="the deadline has passed")
        if job.time_min is not None and job.deadline < job.submit_time + job.time_min:
            raise Refused(BAD_LEAST_TIME, hint="the deadline is nearer than that")


# --- accounts


def charge(job: Job, fleet: Fleet) -> None:
    """Which account and QOS the job counts for; a fleet without accounts takes any. Raises Refused."""
    if fleet.accounts:
        own = {name: users[job.user] for name, users in fleet.accounts.items() if job.user in users}
        if job.account is None:
            job.account = next((name for name, one in own.items() if one.default), next(iter(own), None))
        if job.account not in own:
            raise Refused(BAD_ACCOUNT, hint=f"your accounts: {', '.join(own) or 'none'}")
    allowed = allowed_qos(fleet, job.user, job.account)
    if allowed is not None:
        if job.qos is None:
            job.qos = allowed[0]
        job.qos = next((name for name in allowed if name.lower() == job.qos.lower()), job.qos)
        if job.qos not in allowed:
            raise Refused(BAD_QOS, hint=f"yours are: {', '.join(allowed)}")


def allowed_qos(fleet: Fleet, user: str, account: str | None) -> tuple[str, ...] | None:
    """The QOS that a user may choose with this account, the usual one first; None where the fleet has none."""
    if not fleet.qos:
        return None
    association = fleet.accounts.get(account or "", {}).get(user, Association())
    allowed = association.qos or ((NORMAL,) if fleet.accounts else tuple(fleet.qos))
    return tuple(sorted(allowed, key=lambda name: name != NORMAL))


# --- machines


def _check_excluded(job: Job, fleet: Fleet) -> None:
    excluded = set(_known_names(job.excluded_nodes, fleet))
    if excluded & set(hostlist.expand(job.required_nodes or "")):
        raise Refused(UNKNOWN_NODE, hint="a machine is both in --nodelist and in --exclude")
    if excluded:
        job.excluded_nodes = _in_order(excluded, fleet)


def _check_array(job: Job, fleet: Fleet) -> None:
    if job.array_tasks is not None and max(job.array_max or 0, (job.array_step or 1) - 1) >= fleet.max_array_size:
        hint = f"the fleet file's max_array_size allows numbers below {fleet.max_array_size}"
        raise Refused(arrays.INVALID, hint=hint)


def _check_features(job: Job, fleet: Fleet) -> None:
    """Features that are asked for must be some machine's; those of --batch must be asked for, too."""
    known = {feature for entry in fleet.machines.values() for feature in entry.features}
    hint = f"features here: {', '.join(sorted(known)) or 'none'}"
    wanted, batch = extra(job).get("prefer"), extra(job).get("batch")
    asked: frozenset[str] = frozenset()
    for expression, words in ((job.features, BAD_FEATURE), (wanted, BAD_PREFERENCE)):
        try:
            named = features.named(expression or "")
        except ValueError:
            raise Refused(words, hint="write for example 'ib&skylake' or '(ib|skylake)&a100'") from None
        if not named <= known:
            raise Refused(words, hint=hint)
        asked |= named
    if batch is not None and not set(batch.replace("|", "&").split("&")) <= asked:
        raise Refused(BAD_BATCH)


def check_together(parts: Iterable[Job], fleet: Fleet) -> None:
    """What the parts of a heterogeneous job want together has to exist. Raises Refused.

    Slurm 22.05 counts each part by itself here and at the start, and gives out more licenses than there are.
    """
    for name, count in licenses.in_all(licenses.parse(part.licenses) for part in parts).items():
        if fleet.licenses.get(name, 0) < count:
            hint = f"its parts want {count} of license {name} together, and there are {fleet.licenses.get(name, 0)}"
            raise Refused(BAD_LICENSE, hint=hint)


def _check_licenses(job: Job, fleet: Fleet) -> None:
    hint = f"licenses here: {', '.join(f'{name}:{count}' for name, count in fleet.licenses.items()) or 'none'}"
    try:
        wanted = licenses.parse(job.licenses)
    except licenses.BadLicenses:
        raise Refused(BAD_LICENSE, hint=hint) from None
    if any(fleet.licenses.get(name, -1) < count for name, count in wanted.items()):
        raise Refused(BAD_LICENSE, hint=hint)


def _count_machines(job: Job, fleet: Fleet, partitions: list[Partition], machines: Mapping[str, Machine]) -> None:
    """Tasks alone say how many machines there must be at least, even of the largest: that is shown meanwhile.

    A job that may have more has as many as its partition wants of one.
    """
    least = min(partition.min_nodes for partition in partitions)
    if job.max_nodes is None or job.max_nodes >= least:
        job.nodes = max(job.nodes, least)
    if not job.ntasks:
        return
    overcommits = "overcommit" in extra(job)
    if job.ntasks_per_node and not overcommits:
        needed = job.ntasks // job.ntasks_per_node
    else:
        cpus = max((one.total.cpus for one in candidates(job, fleet, partitions[0], machines)), default=0)
        tasks = cpus // (job.cpus_per_task or 1)
        needed = -(-job.ntasks // tasks) if tasks else 0
    if overcommits or job.max_nodes is not None or len(partitions) > 1:
        note_least_nodes(job, needed)  # that is shown only: so many are not asked for
    else:
        job.nodes = max(job.nodes, needed)


def _check_reservation(job: Job, fleet: Fleet) -> None:
    """Each one that is named there has to be, and to be for this user and account."""
    if job.reservation == "":
        job.reservation = None
    names = job.reservation.split(",") if job.reservation is not None else []
    for name in [name for name in names if name] or names:  # stray commas are nothing, as in Slurm
        one = fleet.reservations.get(name)
        if one is None:
            known = ", ".join(fleet.reservations) or "none"
            raise Refused(FAILED + BAD_RESERVATION, hint=f"reservations here: {known}")
        if not one.admits(job.uid, job.account):
            raise Refused(FAILED + CLOSED_RESERVATION, hint=f"mscontrol show reservation {name} tells for whom it is")


def _check_reserved(job: Job, fleet: Fleet, partitions: list[Partition], machines: Mapping[str, Machine]) -> None:
    """One of its reservations has to have room, if all of them are in force and bind it to their machines."""
    own = named(fleet, job)
    if not own or not all(one.is_active(job.submit_time) and one.binds for one in own):
        return
    for one in own:
        for partition in partitions:
            among = [some for some in candidates(job, fleet, partition, machines) if some.entry.name in one.machines]
            try:
                check_room(job, fleet, partition.name, among)
            except Refused:
                continue
            return
    hint = "; ".join(
        f"reservation {one.name} has {hostlist.compress(list(one.machines)) or 'no machines'}" for one in own
    )
    raise Refused(UNAVAILABLE, hint=hint)


def _check_quotas(job: Job, fleet: Fleet) -> None:
    reason = quotas.beyond(job, fleet)
    if reason is not None:
        raise Refused(reason, AGAINST_POLICY, hint="sacctmgr show qos and show assoc show the limits")


def check_submitted(job: Job, fleet: Fleet, others: Iterable[tuple[Job, int]]) -> None:
    """Refuse what would be one job too many besides these, each with its number of tasks. Raises Refused."""
    reason = quotas.over_submitted(job, fleet, others, job.array_size or 1)
    if reason is not None:
        raise Refused(reason, AGAINST_POLICY, hint="wait until some of those that wait and run are over")


def _check_limits(job: Job, fleet: Fleet, partitions: list[Partition], machines: Mapping[str, Machine]) -> None:
    """What exceeds the limits of every partition is refused, where it is not taken to wait."""
    found: list[Refused] = []
    for partition in partitions:
        among = candidates(job, fleet, partition, machines)
        reason = excess(job, partition, [one.total for one in among])
        refusal = _refusal(reason)
        if refusal is None:
            return
        found.append(Refused(refusal, hint=_limit(job, str(reason), partition, among)))
    raise found[-1]


def _limit(job: Job, reason: str, partition: Partition, among: list[Candidate]) -> str:
    """What a partition allows, or has, of what was too much."""
    if reason == TOO_LONG and partition.max_time is not None:
        return f"partition {partition.name} allows {partition.max_time // 60} minutes"
    if reason == TOO_MANY_NODES:
        most = len(partition.machines) if partition.max_nodes is None else partition.max_nodes
        count = f"up to {most}" if job.nodes > most else f"at least {partition.min_nodes}"
        return f"a job of partition {partition.name} has {count} machine{'s' * (not count.endswith(' 1'))}"
    return largest(partition.name, among) if reason in TOO_LARGE else reason


def _refusal(reason: str | None) -> str | None:
    """How a job is refused that would wait for this reason; None: it is not."""
    if reason is not None and reason.startswith((ACCOUNT, QOS)):
        return BAD_ACCOUNT if reason.startswith(ACCOUNT) else BAD_QOS
    return TOO_LARGE.get(reason or "")


def _check_somewhere(job: Job, fleet: Fleet, partitions: list[Partition], machines: Mapping[str, Machine]) -> None:
    """One partition has to have room, or is beyond its limits so that the job waits there."""
    found: list[Refused] = []
    for partition in partitions:
        among = candidates(job, fleet, partition, machines)
        reason = excess(job, partition, [one.total for one in among])
        if reason in (TOO_MANY_CPUS, TOO_MANY_NODES) and len(partitions) > 1:
            found.append(Refused(UNAVAILABLE, hint=_limit(job, reason, partition, among)))
            continue
        if reason not in (None, "PartitionDown"):
            return
        try:
            count = check_room(job, fleet, partition.name, among)
        except Refused as refused:
            found.append(refused)
        else:
            if job.priority != 0:
                note_least_nodes(job, count)  # a job that may start is shown with what it would get of empty machines
            return
    raise found[-1]
