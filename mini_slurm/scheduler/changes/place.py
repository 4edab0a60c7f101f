"""Changes of where a job may run, of whom it is charged to, and of what it waits for."""

from __future__ import annotations

from mini_slurm.model import features, hostlist
from mini_slurm.model.dependencies import BadDependency, read
from mini_slurm.model.request import ASKED_NODES, number
from mini_slurm.model.states import JobState
from mini_slurm.scheduler.admission import BAD_ACCOUNT, BAD_RESERVATION, CLOSED_RESERVATION, FAILED, allowed_qos
from mini_slurm.scheduler.changes import shrink
from mini_slurm.scheduler.changes.row import Update
from mini_slurm.scheduler.dependents import check_circle
from mini_slurm.scheduler.licenses import BadLicenses, parse
from mini_slurm.scheduler.targets import Refusal

BAD_PARTITION = "Invalid partition name specified"
CLOSED_PARTITION = "Required partition not available (inactive or drain)"
BAD_QOS = "Invalid qos specification"
BAD_FEATURE = "Invalid feature specification"
BAD_PREFERENCE = "Invalid preferred feature specification"
BAD_LICENSES = "Invalid license specification"


def check_partition(update: Update, value: str) -> None:
    """One or several partitions that take new jobs."""
    if value == update.job.partition:
        return
    update.needs_pending()
    known = update.cluster.fleet.partitions
    for name in value.split(","):
        if name not in known:
            raise Refusal(BAD_PARTITION)
        if known[name].state in ("DRAIN", "INACTIVE"):
            raise Refusal(CLOSED_PARTITION)


def set_partition(update: Update, value: str) -> None:
    """Where the job may run."""
    update.job.partition = value


def check_account(update: Update, value: str) -> None:
    """An account that the job's user may charge; a fleet without accounts takes any."""
    update.needs_pending()
    accounts = update.cluster.fleet.accounts
    if accounts and update.job.user not in accounts.get(value.lower(), {}):
        raise Refusal(BAD_ACCOUNT.removeprefix(FAILED))


def set_account(update: Update, value: str) -> None:
    """Whom the job is charged to."""
    update.job.account = value.lower() if update.cluster.fleet.accounts else value


def check_qos(update: Update, value: str) -> None:
    """A quality of service that the account allows."""
    account = update.changes.get("Account", update.job.account)
    allowed = allowed_qos(update.cluster.fleet, update.job.user, account)
    if value and allowed is not None and value not in allowed:
        raise Refusal(BAD_QOS)
    if value != update.job.qos:
        update.needs_pending()


def set_qos(update: Update, value: str) -> None:
    """The quality of service; empty: the usual one."""
    allowed = allowed_qos(update.cluster.fleet, update.job.user, update.job.account)
    update.job.qos = value or (allowed[0] if allowed else None)


def _check_names(update: Update, value: str) -> None:
    try:
        names = _names(update, value)
    except ValueError:
        raise Refusal(shrink.BAD_NODE) from None
    if not update.cluster.machines.keys() >= set(names):
        raise Refusal(shrink.BAD_NODE)


def _names(update: Update, value: str) -> list[str]:
    return [update.cluster.fleet.node_name(name) for name in hostlist.expand(value)]


def check_nodes(update: Update, value: str) -> None:
    """Machines that the job is to have; what runs can give some of its own back."""
    if not update.is_running:
        update.needs_pending()
    _check_names(update, value)
    if update.is_running:
        shrink.check_names(update, _names(update, value))


def set_nodes(update: Update, value: str) -> None:
    """Empty: any. How many Slurm shows that the job asked for stays."""
    if update.is_running:
        shrink.keep(update, _names(update, value))
        return
    before = number(update.job, ASKED_NODES) or len(set(hostlist.expand(update.job.required_nodes or ""))) or 1
    update.option(ASKED_NODES, str(before))
    update.job.required_nodes = hostlist.compress(_names(update, value)) or None


def check_exclusions(update: Update, value: str) -> None:
    """Machines that the job is not to have."""
    if value != update.job.excluded_nodes:
        update.needs_pending()
        _check_names(update, value)


def set_exclusions(update: Update, value: str) -> None:
    """Empty: none."""
    update.job.excluded_nodes = hostlist.compress(_names(update, value)) or None


def check_reservation(update: Update, value: str) -> None:
    """A reservation that there is, and that is for this job's user; what runs may be given another one, too."""
    if value == (update.job.reservation or ""):
        return
    for name in value.split(",") if value else ():
        one = update.cluster.fleet.reservations.get(name)
        if one is None:
            raise Refusal(BAD_RESERVATION)
        _needs_to_be_alive(update)
        if not one.admits(update.job.uid, update.job.account):
            raise Refusal(CLOSED_RESERVATION)


def set_reservation(update: Update, value: str) -> None:
    """Empty: none."""
    if value != (update.job.reservation or ""):
        _needs_to_be_alive(update)
    update.job.reservation = value or None


def _needs_to_be_alive(update: Update) -> None:
    if update.job.state is not JobState.RUNNING:
        update.needs_pending()


def check_licenses(update: Update, value: str) -> None:
    """Licenses that the fleet has."""
    try:
        wanted = parse(value)
    except BadLicenses:
        raise Refusal(BAD_LICENSES) from None
    total = update.cluster.fleet.licenses
    if any(name not in total or count > total[name] for name, count in wanted.items()):
        raise Refusal(BAD_LICENSES)


def set_licenses(update: Update, value: str) -> None:
    """What runs can only be freed of its licenses."""
    if value == update.job.licenses:
        return
    if value and not update.is_operator:
        update.needs_pending()
    update.job.licenses = value


def _check_features(update: Update, value: str, error: str) -> None:
    known = {feature for entry in update.cluster.fleet.machines.values() for feature in entry.features}
    if not features.named(value) <= known:
        raise Refusal(error)


def set_features(update: Update, value: str) -> None:
    """Features that the machines must have; empty: none."""
    if value != update.job.features:
        update.needs_pending()
        _check_features(update, value, BAD_FEATURE)
        update.job.features = value or None


def set_preference(update: Update, value: str) -> None:
    """Features that are preferred."""
    update.needs_pending()
    _check_features(update, value, BAD_PREFERENCE)
    update.option("prefer", value or None)


def set_dependency(update: Update, value: str) -> None:
    """What the job waits for; it is looked at with the next pass."""
    update.needs_pending()
    try:
        text = read(value, update.cluster.is_array)
        check_circle(update.cluster, update.job, text)
    except BadDependency as error:
        raise Refusal(str(error)) from None
    update.job.dependency = text
