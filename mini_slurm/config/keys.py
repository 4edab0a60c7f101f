"""The keys of a fleet file: what each may hold, and what to write instead. A new key is a new row here."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from mini_slurm.model.again import parse_codes
from mini_slurm.model.arrays import LARGEST_ARRAY_SIZE
from mini_slurm.model.cluster_types import CLUSTER_TYPES
from mini_slurm.model.fleet import ENDLESS
from mini_slurm.model.hostlist import expand
from mini_slurm.model.notices import TITLES
from mini_slurm.model.oversubscription import settled
from mini_slurm.model.preemption import read_mode
from mini_slurm.model.units import parse_memory, parse_time_limit

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")  # of a machine, a partition, an account, a QOS
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PREEMPT_TYPES = ("none", "partition_prio", "qos")
WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:=+/-]*")  # a feature, a type of GPU: no operator of --constraint in it


class Key(NamedTuple):
    """One key: its reader raises ValueError; `wants` and `example` say what to write."""

    read: Callable[[Any], object]
    wants: str
    example: str


def text(value: Any) -> str:
    """Text in quotes that is not empty and holds no control character."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ValueError
    return value


def name(value: Any) -> str:
    """The name of a thing."""
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise ValueError
    return value


def yes_or_no(value: Any) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise ValueError
    return value


def number_from(least: int, most: int = 2**31 - 1) -> Callable[[Any], int]:
    """A reader of whole numbers in these bounds."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError
        return value

    return read


def memory(value: Any) -> int:
    """An amount of memory in MiB, above 0: a number of MiB, or text as of --mem."""
    amount = parse_memory(value if isinstance(value, str) else str(number_from(1)(value)))
    if amount <= 0:
        raise ValueError
    return amount


def duration(value: Any) -> int | None:
    """A duration in seconds: a number of minutes, or text as of --time; None for no limit."""
    seconds = parse_time_limit(value if isinstance(value, str) else str(number_from(1)(value)))
    if seconds is not None and seconds <= 0:
        raise ValueError
    return seconds


def over_time(value: Any) -> int | None:
    """A duration that may be none at all."""
    return 0 if value in (0, "0") and not isinstance(value, bool) else duration(value)


def partition_over_time(value: Any) -> int:
    """The same of a partition, where no limit is a number, too: None is that it says nothing."""
    return ENDLESS if (seconds := over_time(value)) is None else seconds


def gpus(value: Any) -> dict[str, int]:
    """GPUs by type: a number, or a table of type and number."""
    counts = value if isinstance(value, dict) else {"": value}
    if not all(not kind or WORD.fullmatch(kind) for kind in counts):
        raise ValueError
    return {kind: number for kind, count in counts.items() if (number := number_from(0, 1024)(count))}


def licenses(value: Any) -> dict[str, int]:
    """Numbers by name."""
    if not isinstance(value, dict) or not all(NAME.fullmatch(name) for name in value):
        raise ValueError
    return {name: number_from(0)(count) for name, count in value.items()}


def words(value: Any) -> tuple[str, ...]:
    """A list of words."""
    if not isinstance(value, list) or not all(isinstance(word, str) and WORD.fullmatch(word) for word in value):
        raise ValueError
    return tuple(dict.fromkeys(value))


def hostlist(value: Any) -> tuple[str, ...]:
    """The names of a hostlist, or of a list of hostlists."""
    parts = value if isinstance(value, list) else [value]
    if not parts or not all(isinstance(part, str) and part.strip() for part in parts):
        raise ValueError
    return tuple(dict.fromkeys(name for part in parts for name in expand(part)))


def table(value: Any) -> dict[str, Any]:
    """A table whose keys are names that the user chose."""
    if not isinstance(value, dict):
        raise ValueError
    return value


def cluster_type(value: Any) -> str:
    """A system that jobs can be handed to."""
    if not isinstance(value, str) or value not in CLUSTER_TYPES:
        raise ValueError
    return value


def names(value: Any) -> tuple[str, ...]:
    """A list of names."""
    return tuple(dict.fromkeys(map(name, _list(value))))


def arguments(value: Any) -> tuple[str, ...]:
    """A list of words as a command takes them."""
    return tuple(map(text, _list(value)))


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError
    return value


def absolute_path(value: Any) -> str:
    """The path of a folder, from the root on."""
    if not text(value).startswith("/"):
        raise ValueError
    return str(value)


def variables(value: Any) -> dict[str, str]:
    """A table of environment variables."""
    for key, given in table(value).items():
        if not VARIABLE.fullmatch(key) or not isinstance(given, str) or "\0" in given:
            raise ValueError
    return table(value)


def resources(value: Any) -> dict[str, int]:
    """Amounts by resource; memory in MiB."""
    found = {}
    for name, amount in table(value).items():
        if name not in ("cpus", "gpus", "nodes", "memory"):
            raise ValueError
        found[name] = memory(amount) if name == "memory" else number_from(0)(amount)
    return found


def partition_state(value: Any) -> str:
    """A state that scontrol(1) gives to a partition."""
    if not isinstance(value, str) or value.upper() not in {"UP", "DOWN", "DRAIN", "INACTIVE"}:
        raise ValueError
    return value.upper()


def over_subscribe(value: Any) -> str:
    """Whether jobs of a partition share CPUs, or have their machines for themselves."""
    return settled(text(value))


def span(value: Any) -> int:
    """A time in seconds that may be 0: a number of minutes, or text as of --time."""
    return 0 if value in (0, "0") else duration(value) or 0


def preempt_type(value: Any) -> str:
    """Which of Slurm's preempt plugins."""
    word = value.lower().removeprefix("preempt/") if isinstance(value, str) else ""
    if word not in PREEMPT_TYPES:
        raise ValueError
    return word


def preempt_mode(value: Any) -> str:
    """How jobs make room."""
    return read_mode(text(value))


def exit_codes(value: Any) -> str:
    """Exit codes, as Slurm's RequeueExit has them."""
    parse_codes(text(value))
    return str(value)


def node_names(value: Any) -> str:
    """What nodes are called."""
    if value not in ("name", "address"):
        raise ValueError
    return str(value)


def qos_preempt_mode(value: Any) -> str:
    """The same of a QOS, which may leave it to the fleet as a whole."""
    return "" if isinstance(value, str) and value.lower() == "cluster" else preempt_mode(value)


def server(value: Any) -> str:
    """A host, and perhaps a port."""
    host, _, port = text(value).partition(":")
    if not re.fullmatch(r"[\w.-]+", host, re.ASCII) or (":" in value and not 0 < int(port) < 65536):
        raise ValueError
    return str(value)


def mail_security(value: Any) -> str:
    """How the way to a mail server is kept from others."""
    if value not in ("starttls", "tls", "none"):
        raise ValueError
    return str(value)


def events(value: Any) -> tuple[str, ...]:
    """Events of jobs."""
    found = tuple(dict.fromkeys(text(word).upper() for word in _list(value)))
    if not set(found) <= {*TITLES, "ALL"}:
        raise ValueError
    return found


# fmt: off
FLEET = {
    "name": Key(name, "a name of letters, digits, _ . and -", '"lab"'),
    "default_memory_per_cpu": Key(memory, "an amount above 0", '"2G"'),
    "enforce_limits": Key(yes_or_no, "true or false", "true"),
    "constrain_memory": Key(yes_or_no, "true or false", "false"),
    "max_array_size": Key(number_from(1, LARGEST_ARRAY_SIZE), f"a whole number, 1 to {LARGEST_ARRAY_SIZE}", "100001"),
    "kill_wait": Key(number_from(0), "a whole number of seconds", "30"),
    "over_time_limit": Key(over_time, 'a time as of --time, or "UNLIMITED"', '"5"'),
    "node_timeout": Key(number_from(1), "a whole number of seconds, 1 or more", "300"),
    "requeue": Key(yes_or_no, "true or false", "true"),
    "requeue_exit": Key(exit_codes, "exit codes and ranges of them in quotes", '"85-87,99"'),
    "requeue_exit_hold": Key(exit_codes, "exit codes and ranges of them in quotes", '"90"'),
    "controller_idle": Key(number_from(0), "a whole number of seconds", "300"),
    "jobs_dir": Key(text, "a folder in quotes", '"~/jobs"'),
    "ssh_config": Key(text, "a file in quotes", '"~/.ssh/config"'),
    "licenses": Key(licenses, "numbers by name", "{ matlab = 4 }"),
    "requeue_delay": Key(number_from(0), "a whole number of seconds", "121"),
    "watch_interval": Key(number_from(1), "a whole number of seconds, 1 or more", "10"),
    "foreign_gpu_memory": Key(memory, "an amount above 0", '"100M"'),
    "foreign_ignore": Key(arguments, "a list of users and programs", '["root", "Xorg"]'),
    "idle_gpus_after": Key(duration, 'a time as of --time, or "UNLIMITED"', '"30"'),
    "stage_cache": Key(memory, "an amount above 0", '"10G"'),
    "submit_from_jobs": Key(yes_or_no, "true or false", "false"),
    "node_names": Key(node_names, 'one of "name", "address"', '"address"'),
}
PRIORITY = {
    "age": Key(number_from(0), "a whole number", "1000"),
    "fair_share": Key(number_from(0), "a whole number", "1000"),
    "job_size": Key(number_from(0), "a whole number", "1000"),
    "partition": Key(number_from(0), "a whole number", "1000"),
    "qos": Key(number_from(0), "a whole number", "1000"),
    "max_age": Key(duration, 'a time as of --time, or "UNLIMITED"', '"7-00:00:00"'),
    "half_life": Key(duration, 'a time as of --time, or "UNLIMITED"', '"7-00:00:00"'),
}
AMOUNT = Key(memory, "an amount above 0", '"2G"')
SWITCH = Key(yes_or_no, "true or false", "true")
PREEMPT_MODE = Key(preempt_mode, 'one of "OFF", "CANCEL", "REQUEUE", "SUSPEND"', '"REQUEUE"')
GRACE_TIME = Key(number_from(0), "a whole number of seconds", "60")
EXEMPT_TIME = Key(span, "a number of minutes, or a time as of --time", '"1:00:00"')
PREEMPT = {
    "type": Key(preempt_type, 'one of "none", "partition_prio", "qos"', '"partition_prio"'),
    "mode": PREEMPT_MODE,
    "exempt_time": EXEMPT_TIME,
    "youngest_first": Key(yes_or_no, "true or false", "true"),
    "send_user_signal": Key(yes_or_no, "true or false", "true"),
}
FILE = Key(text, "a file in quotes", '"/etc/ssl/lab.pem"')
MAIL = {
    "program": Key(text, "a program in quotes", '"/usr/bin/mail"'),
    "sendmail": Key(text, "a program in quotes", '"/usr/sbin/sendmail"'),
    "smtp": Key(server, "a host, or HOST:PORT", '"mail.example.org:587"'),
    "security": Key(mail_security, 'one of "starttls", "tls", "none"', '"starttls"'),
    "user": Key(text, "a login name in quotes", '"alice"'),
    "password_file": Key(text, "a file in quotes, for its owner's eyes alone", '"~/.config/mini_slurm/mail-password"'),
    "ca_file": FILE,
    "sender": Key(text, "an address in quotes", '"jobs@example.org"'),
    "domain": Key(name, "a domain in quotes", '"example.org"'),
    "timeout": Key(number_from(1, 600), "a whole number of seconds, 1 or more", "30"),
}
NOTICES = {
    "command": Key(text, "a program in quotes", '"/usr/local/bin/job-event"'),
    "events": Key(events, "a list of events, as of --mail-type", '["END", "FAIL"]'),
    "ca_file": FILE,
    "timeout": Key(number_from(1, 600), "a whole number of seconds, 1 or more", "10"),
}
MACHINE = {
    "host": Key(text, "an address, or a name that ~/.ssh/config or the network knows", '"10.0.0.4"'),
    "address": Key(text, "an address, or a name that the other machines know", '"10.0.0.4"'),
    "port": Key(number_from(1, 65535), "a whole number from 1 to 65535", "22"),
    "user": Key(text, "a login name in quotes", '"alice"'),
    "identity_file": Key(text, "a file in quotes", '"~/.ssh/id_ed25519"'),
    "jump_host": Key(text, "a host to connect through, in quotes", '"gateway"'),
    "local": Key(yes_or_no, "true or false", "true"),
    "cpus": Key(number_from(1), "a whole number, 1 or more", "16"),
    "memory": Key(memory, "an amount above 0", '"64G"'),
    "gpus": Key(gpus, "a number, or numbers by type", "{ a100 = 2 }"),
    "gpu_memory": Key(memory, "an amount above 0", '"80G"'),
    "shards": Key(number_from(0, 1024), "a whole number", "4"),
    "features": Key(words, "a list of words", '["ib", "skylake"]'),
    "weight": Key(number_from(0), "a whole number", "1"),
}
PARTITION = {
    "machines": Key(hostlist, 'a hostlist, or a list of hostlists, or "ALL"', '"node[1-4]"'),
    "default": Key(yes_or_no, "true or false", "true"),
    "max_time": Key(duration, 'a time as of --time, or "UNLIMITED"', '"1-00:00:00"'),
    "default_time": Key(duration, 'a time as of --time, or "UNLIMITED"', '"1:00:00"'),
    "max_nodes": Key(number_from(1), "a whole number, 1 or more", "16"),
    "min_nodes": Key(number_from(0), "a whole number", "1"),
    "priority": Key(number_from(0), "a whole number", "1"),
    "tier": Key(number_from(0), "a whole number", "1"),
    "state": Key(partition_state, 'one of "UP", "DOWN", "DRAIN", "INACTIVE"', '"UP"'),
    "preempt_mode": PREEMPT_MODE,
    "grace_time": GRACE_TIME,
    "hidden": SWITCH,
    "root_only": SWITCH,
    "disable_root_jobs": SWITCH,
    "require_reservation": SWITCH,
    "exclusive_user": SWITCH,
    "lln": SWITCH,
    "over_time_limit": Key(partition_over_time, 'a time as of --time, or "UNLIMITED"', '"5"'),
    "over_subscribe": Key(over_subscribe, '"NO", "EXCLUSIVE", "YES:N" or "FORCE:N"', '"FORCE:2"'),
    "allow_accounts": Key(names, "a list of accounts", '["science"]'),
    "allow_groups": Key(names, "a list of groups of users", '["staff"]'),
    "allow_qos": Key(names, "a list of QOS", '["high"]'),
    "deny_accounts": Key(names, "a list of accounts", '["guests"]'),
    "deny_qos": Key(names, "a list of QOS", '["low"]'),
    "alloc_nodes": Key(hostlist, "a hostlist, or a list of hostlists", '"login[1-2]"'),
    "alternate": Key(name, "the name of another partition", '"compute"'),
    "default_memory_per_cpu": AMOUNT,
    "default_memory_per_node": AMOUNT,
    "max_memory_per_cpu": AMOUNT,
    "max_memory_per_node": AMOUNT,
    "max_cpus_per_node": Key(number_from(1), "a whole number, 1 or more", "8"),
    "qos": Key(name, "the name of a QOS", '"high"'),
}
CLUSTER = {
    "type": Key(cluster_type, "one of " + ", ".join(f'"{name}"' for name in CLUSTER_TYPES), '"slurm"'),
    **{key: MACHINE[key] for key in ("host", "port", "user", "identity_file", "jump_host")},
    "partitions": Key(names, "a list of names", '["batch", "gpu"]'),
    "queues": Key(names, "a list of names", '["workq"]'),  # what PBS and LSF call partitions
    "options": Key(arguments, "a list of options of its submit command", '["--account=lab"]'),
    "folder": Key(absolute_path, "a folder's path from / on, in quotes", '"/opt/pbs/bin"'),
    "environment": Key(variables, "a table of variables and their texts", '{ SLURM_CONF = "/etc/slurm/slurm.conf" }'),
}
JOBS = Key(number_from(0), "a whole number", "10")
TRES = Key(resources, "numbers of cpus, gpus and nodes, and an amount of memory", '{ cpus = 64, memory = "256G" }')
GROUP_LIMITS = {"grp_jobs": JOBS, "grp_submit_jobs": JOBS, "grp_tres": TRES}
JOB_LIMITS = {"max_wall": Key(duration, 'a time as of --time, or "UNLIMITED"', '"1-00:00:00"'), "max_tres": TRES}
QOS_LIMITS = {
    **GROUP_LIMITS, **JOB_LIMITS, "max_jobs_per_user": JOBS, "max_submit_jobs_per_user": JOBS,
    "max_tres_per_user": TRES, "max_jobs_per_account": JOBS, "max_submit_jobs_per_account": JOBS,
}
ASSOCIATION_LIMITS = {**GROUP_LIMITS, **JOB_LIMITS, "max_jobs": JOBS, "max_submit_jobs": JOBS}
QOS = {
    "priority": Key(number_from(0), "a whole number", "100"),
    "preempt": Key(names, "a list of QOS", '["low"]'),
    "preempt_mode": Key(qos_preempt_mode, 'one of "cluster", "OFF", "CANCEL", "REQUEUE", "SUSPEND"', '"REQUEUE"'),
    "grace_time": GRACE_TIME,
    "preempt_exempt_time": EXEMPT_TIME,
    **QOS_LIMITS,
}
ACCOUNT = {
    "users": Key(table, "a table of users", "{ alice = { default = true } }"),
    "shares": Key(number_from(0), "a whole number", "1"),
    **ASSOCIATION_LIMITS,
}
USER = {
    "qos": Key(words, "a list of QOS", '["normal"]'),
    "default": Key(yes_or_no, "true or false", "true"),
    "shares": Key(number_from(0), "a whole number", "1"),
    **ASSOCIATION_LIMITS,
}
# fmt: on
