"""The keys of a fleet file: what each may hold, and what to write instead. A new key is a new row here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from mini_slurm.config import values
from mini_slurm.model.arrays import LARGEST_ARRAY_SIZE
from mini_slurm.model.cluster_types import CLUSTER_TYPES


class Key(NamedTuple):
    """One key: its reader raises ValueError; `wants` and `example` say what to write."""

    read: Callable[[Any], object]
    wants: str
    example: str


# fmt: off
FLEET = {
    "name": Key(values.name, "a name of letters, digits, _ . and -", '"lab"'),
    "default_memory_per_cpu": Key(values.memory, "an amount above 0", '"2G"'),
    "enforce_limits": Key(values.yes_or_no, "true or false", "true"),
    "constrain_memory": Key(values.yes_or_no, "true or false", "false"),
    "max_array_size": Key(values.number_from(1, LARGEST_ARRAY_SIZE),
                          f"a whole number, 1 to {LARGEST_ARRAY_SIZE}", "100001"),
    "kill_wait": Key(values.number_from(0), "a whole number of seconds", "30"),
    "over_time_limit": Key(values.over_time, 'a time as of --time, or "UNLIMITED"', '"5"'),
    "node_timeout": Key(values.number_from(1), "a whole number of seconds, 1 or more", "300"),
    "requeue": Key(values.yes_or_no, "true or false", "true"),
    "requeue_exit": Key(values.exit_codes, "exit codes and ranges of them in quotes", '"85-87,99"'),
    "requeue_exit_hold": Key(values.exit_codes, "exit codes and ranges of them in quotes", '"90"'),
    "controller_idle": Key(values.number_from(0), "a whole number of seconds", "300"),
    "jobs_dir": Key(values.path, "a folder in quotes", '"~/jobs"'),
    "ssh_config": Key(values.path, "a file in quotes", '"~/.ssh/config"'),
    "licenses": Key(values.licenses, "numbers by name", "{ matlab = 4 }"),
    "requeue_delay": Key(values.number_from(0), "a whole number of seconds", "121"),
    "watch_interval": Key(values.number_from(1), "a whole number of seconds, 1 or more", "10"),
    "foreign_gpu_memory": Key(values.memory, "an amount above 0", '"100M"'),
    "foreign_ignore": Key(values.arguments, "a list of users and programs", '["root", "Xorg"]'),
    "idle_gpus_after": Key(values.duration, 'a time as of --time, or "UNLIMITED"', '"30"'),
    "stage_cache": Key(values.memory, "an amount above 0", '"10G"'),
    "submit_from_jobs": Key(values.yes_or_no, "true or false", "false"),
    "node_names": Key(values.node_names, 'one of "name", "address"', '"address"'),
}
PRIORITY = {
    "age": Key(values.number_from(0), "a whole number", "1000"),
    "fair_share": Key(values.number_from(0), "a whole number", "1000"),
    "job_size": Key(values.number_from(0), "a whole number", "1000"),
    "partition": Key(values.number_from(0), "a whole number", "1000"),
    "qos": Key(values.number_from(0), "a whole number", "1000"),
    "max_age": Key(values.duration, 'a time as of --time, or "UNLIMITED"', '"7-00:00:00"'),
    "half_life": Key(values.duration, 'a time as of --time, or "UNLIMITED"', '"7-00:00:00"'),
}
AMOUNT = Key(values.memory, "an amount above 0", '"2G"')
SWITCH = Key(values.yes_or_no, "true or false", "true")
PREEMPT_MODE = Key(values.preempt_mode, 'one of "OFF", "CANCEL", "REQUEUE", "SUSPEND"', '"REQUEUE"')
GRACE_TIME = Key(values.number_from(0), "a whole number of seconds", "60")
EXEMPT_TIME = Key(values.span, "a number of minutes, or a time as of --time", '"1:00:00"')
PREEMPT = {
    "type": Key(values.preempt_type, 'one of "none", "partition_prio", "qos"', '"partition_prio"'),
    "mode": PREEMPT_MODE,
    "exempt_time": EXEMPT_TIME,
    "youngest_first": Key(values.yes_or_no, "true or false", "true"),
    "send_user_signal": Key(values.yes_or_no, "true or false", "true"),
}
FILE = Key(values.path, "a file in quotes", '"/etc/ssl/lab.pem"')
MAIL = {
    "program": Key(values.path, "a program in quotes", '"/usr/bin/mail"'),
    "sendmail": Key(values.path, "a program in quotes", '"/usr/sbin/sendmail"'),
    "smtp": Key(values.server, "a host, or HOST:PORT", '"mail.example.org:587"'),
    "security": Key(values.mail_security, 'one of "starttls", "tls", "none"', '"starttls"'),
    "user": Key(values.text, "a login name in quotes", '"alice"'),
    "password_file": Key(values.path,
                         "a file in quotes, for its owner's eyes alone", '"~/.config/mini_slurm/mail-password"'),
    "ca_file": FILE,
    "sender": Key(values.text, "an address in quotes", '"jobs@example.org"'),
    "domain": Key(values.name, "a domain in quotes", '"example.org"'),
    "timeout": Key(values.number_from(1, 600), "a whole number of seconds, 1 or more", "30"),
}
NOTICES = {
    "command": Key(values.path, "a program in quotes", '"/usr/local/bin/job-event"'),
    "events": Key(values.events, "a list of events, as of --mail-type", '["END", "FAIL"]'),
    "ca_file": FILE,
    "timeout": Key(values.number_from(1, 600), "a whole number of seconds, 1 or more", "10"),
}
MACHINE = {
    "host": Key(values.text, "an address, or a name that ~/.ssh/config or the network knows", '"10.0.0.4"'),
    "address": Key(values.text, "an address, or a name that the other machines know", '"10.0.0.4"'),
    "port": Key(values.number_from(1, 65535), "a whole number from 1 to 65535", "22"),
    "user": Key(values.text, "a login name in quotes", '"alice"'),
    "identity_file": Key(values.path, "a file in quotes", '"~/.ssh/id_ed25519"'),
    "jump_host": Key(values.text, "a host to connect through, in quotes", '"gateway"'),
    "local": Key(values.yes_or_no, "true or false", "true"),
    "cpus": Key(values.number_from(1), "a whole number, 1 or more", "16"),
    "memory": Key(values.memory, "an amount above 0", '"64G"'),
    "gpus": Key(values.gpus, "a number, or numbers by type", "{ a100 = 2 }"),
    "gpu_memory": Key(values.memory, "an amount above 0", '"80G"'),
    "shards": Key(values.number_from(0, 1024), "a whole number", "4"),
    "features": Key(values.words, "a list of words", '["ib", "skylake"]'),
    "weight": Key(values.number_from(0), "a whole number", "1"),
}
PARTITION = {
    "machines": Key(values.hostlist, 'a hostlist, or a list of hostlists, or "ALL"', '"node[1-4]"'),
    "default": Key(values.yes_or_no, "true or false", "true"),
    "max_time": Key(values.duration, 'a time as of --time, or "UNLIMITED"', '"1-00:00:00"'),
    "default_time": Key(values.duration, 'a time as of --time, or "UNLIMITED"', '"1:00:00"'),
    "max_nodes": Key(values.number_from(1), "a whole number, 1 or more", "16"),
    "min_nodes": Key(values.number_from(0), "a whole number", "1"),
    "priority": Key(values.number_from(0), "a whole number", "1"),
    "tier": Key(values.number_from(0), "a whole number", "1"),
    "state": Key(values.partition_state, 'one of "UP", "DOWN", "DRAIN", "INACTIVE"', '"UP"'),
    "preempt_mode": PREEMPT_MODE,
    "grace_time": GRACE_TIME,
    "hidden": SWITCH,
    "root_only": SWITCH,
    "disable_root_jobs": SWITCH,
    "require_reservation": SWITCH,
    "exclusive_user": SWITCH,
    "lln": SWITCH,
    "over_time_limit": Key(values.partition_over_time, 'a time as of --time, or "UNLIMITED"', '"5"'),
    "over_subscribe": Key(values.over_subscribe, '"NO", "EXCLUSIVE", "YES:N" or "FORCE:N"', '"FORCE:2"'),
    "allow_accounts": Key(values.names, "a list of accounts", '["science"]'),
    "allow_groups": Key(values.names, "a list of groups of users", '["staff"]'),
    "allow_qos": Key(values.names, "a list of QOS", '["high"]'),
    "deny_accounts": Key(values.names, "a list of accounts", '["guests"]'),
    "deny_qos": Key(values.names, "a list of QOS", '["low"]'),
    "alloc_nodes": Key(values.hostlist, "a hostlist, or a list of hostlists", '"login[1-2]"'),
    "alternate": Key(values.name, "the name of another partition", '"compute"'),
    "default_memory_per_cpu": AMOUNT,
    "default_memory_per_node": AMOUNT,
    "max_memory_per_cpu": AMOUNT,
    "max_memory_per_node": AMOUNT,
    "max_cpus_per_node": Key(values.number_from(1), "a whole number, 1 or more", "8"),
    "qos": Key(values.name, "the name of a QOS", '"high"'),
}
CLUSTER = {
    "type": Key(values.cluster_type, "one of " + ", ".join(f'"{name}"' for name in CLUSTER_TYPES), '"slurm"'),
    **{key: MACHINE[key] for key in ("host", "port", "user", "identity_file", "jump_host")},
    "partitions": Key(values.names, "a list of names", '["batch", "gpu"]'),
    "queues": Key(values.names, "a list of names", '["workq"]'),  # what PBS and LSF call partitions
    "options": Key(values.arguments, "a list of options of its submit command", '["--account=lab"]'),
    "folder": Key(values.absolute_path, "a folder's path from / on, in quotes", '"/opt/pbs/bin"'),
    "environment": Key(values.variables,
                       "a table of variables and their texts", '{ SLURM_CONF = "/etc/slurm/slurm.conf" }'),
}
JOBS = Key(values.number_from(0), "a whole number", "10")
TRES = Key(values.resources,
           "numbers of cpus, gpus and nodes, and an amount of memory", '{ cpus = 64, memory = "256G" }')
GROUP_LIMITS = {"grp_jobs": JOBS, "grp_submit_jobs": JOBS, "grp_tres": TRES}
JOB_LIMITS = {"max_wall": Key(values.duration, 'a time as of --time, or "UNLIMITED"', '"1-00:00:00"'), "max_tres": TRES}
QOS_LIMITS = {
    **GROUP_LIMITS, **JOB_LIMITS, "max_jobs_per_user": JOBS, "max_submit_jobs_per_user": JOBS,
    "max_tres_per_user": TRES, "max_jobs_per_account": JOBS, "max_submit_jobs_per_account": JOBS,
}
ASSOCIATION_LIMITS = {**GROUP_LIMITS, **JOB_LIMITS, "max_jobs": JOBS, "max_submit_jobs": JOBS}
QOS = {
    "priority": Key(values.number_from(0), "a whole number", "100"),
    "preempt": Key(values.names, "a list of QOS", '["low"]'),
    "preempt_mode": Key(values.qos_preempt_mode,
                        'one of "cluster", "OFF", "CANCEL", "REQUEUE", "SUSPEND"', '"REQUEUE"'),
    "grace_time": GRACE_TIME,
    "preempt_exempt_time": EXEMPT_TIME,
    "flags": Key(values.qos_flags, 'a list of "DenyOnLimit" and "OverPartQOS"', '["DenyOnLimit"]'),
    **QOS_LIMITS,
}
ACCOUNT = {
    "users": Key(values.table, "a table of users", "{ alice = { default = true } }"),
    "shares": Key(values.number_from(0), "a whole number", "1"),
    **ASSOCIATION_LIMITS,
}
USER = {
    "qos": Key(values.words, "a list of QOS", '["normal"]'),
    "default": Key(values.yes_or_no, "true or false", "true"),
    "shares": Key(values.number_from(0), "a whole number", "1"),
    **ASSOCIATION_LIMITS,
}
# fmt: on
