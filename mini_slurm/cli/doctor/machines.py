"""What a machine said of itself, judged. A check is a function with any number of findings, and its row in CHECKS."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mini_slurm.cli.doctor.disks import folders, shared_home, spool
from mini_slurm.cli.doctor.findings import ERROR, Said, amount, error, note, ok, warning
from mini_slurm.cli.doctor.subject import Facts, Subject
from mini_slurm.errors import Unreachable

CLOCK = 2.0  # seconds that nobody minds
OPEN_FILES = 1024  # a job's
PROCESSES = 1024  # a user's
MEMORY_PART = 0.95  # of what the fleet file says: kernels keep a little for themselves

Check = Callable[[Subject, Facts], Iterable[Said]]


def reached(subject: Subject) -> Iterable[Said]:
    """Can it be reached at all?"""
    trouble = subject.found.trouble
    if trouble is not None and not subject.found.facts:
        yield _trouble(subject, trouble)
    elif not subject.is_login:
        yield ok("reached" if subject.entry.local else f"reached by ssh as {subject.found.facts['system']['user']}")


def _trouble(subject: Subject, trouble: Unreachable) -> Said:
    line = trouble.lines[0].removeprefix(f"{subject.entry.name}: ")
    return error(line, trouble.hint or f"compare with `ssh -v {subject.entry.host}`")


def agent(subject: Subject, facts: Facts) -> Iterable[Said]:
    """What the agent could not do, although the login works; a spool that cannot be used says so itself."""
    trouble = subject.found.trouble
    if trouble is not None and not any(said.level == ERROR for said in spool(subject, facts)):
        yield _trouble(subject, trouble)


def facts(subject: Subject, facts: Facts) -> Iterable[Said]:
    """What could not be found out."""
    for name, why in facts.get("faults", {}).items():
        yield note(f"{name} could not be found out: {why}")


def login(subject: Subject, facts: Facts) -> Iterable[Said]:
    """A login that prints is an obstacle to scp, sftp and rsync."""
    if subject.found.noise:
        yield warning(
            f"its login prints {subject.found.noise} bytes without a terminal, which breaks scp, sftp and rsync",
            "put `[[ $- == *i* ]] || return` at the top of ~/.bashrc there",
        )
    if not facts["system"]["has_home"]:
        home = facts["system"]["home"]
        yield warning(f"the home folder {home} is not there", f"have {home} made or mounted there")
    if not facts["shell"]["bash"]:
        yield warning("there is no bash on the PATH of logins", "install bash: most job scripts begin with it")


def python(subject: Subject, facts: Facts) -> Iterable[Said]:
    """The Python that runs the agent."""
    missing = facts["modules"]
    where = f"{facts['system']['executable']} is Python {facts['system']['python']}"
    if missing:
        yield error(
            f"{where}, made without {', '.join(missing)}",
            "put a complete Python 3.8 or newer first on the PATH of logins without a terminal",
        )
    else:
        yield ok(where)


def clock(subject: Subject, facts: Facts) -> Iterable[Said]:
    """How far its clock is from ours."""
    least, most = subject.found.clock
    off = least if least > 0 else most if most < 0 else 0.0
    if abs(off) > CLOCK:
        way = "ahead of" if off > 0 else "behind"
        yield warning(
            f"its clock is {abs(off):.0f} s {way} the login node's: make, rsync and file times will disagree",
            f"let it be set: {subject.ssh_as_root}sudo timedatectl set-ntp true",
        )
    else:
        yield ok("its clock agrees with the login node's")


def logout(subject: Subject, facts: Facts) -> Iterable[Said]:
    """systemd may end what a login leaves behind."""
    logind, system = facts["logind"], facts["system"]
    command = f"{subject.ssh}loginctl enable-linger"
    if system["systemd"] and logind["kills"] and not logind["lingers"]:
        what = "the controller ends at logout" if subject.is_login else "jobs end when the connection does"
        root = f"where that is refused: {subject.ssh_as_root}sudo loginctl enable-linger {system['user']}"
        yield error(f"systemd has KillUserProcesses=yes, and {what}", f"{command} ({root})")
    elif system["systemd"] and logind["kills"] and not logind["bus"]:
        what = "KillUserProcesses=yes, and there is no user's D-Bus, by which processes are kept from that"
        yield error(f"systemd has {what}", f"{subject.ssh_as_root}sudo apt install dbus-user-session")
    elif system["systemd"]:
        yield ok("processes outlive the login that started them")


def ulimits(subject: Subject, facts: Facts) -> Iterable[Said]:
    """The kernel's limits of each process."""
    for name, least in (("open files", OPEN_FILES), ("processes", PROCESSES)):
        hard = facts["limits"][name][1]
        if hard is not None and hard < least:
            yield warning(
                f"a login there may have at most {hard} {name}", "raise it in /etc/security/limits.conf there, as root"
            )
    for name in ("memory", "file size", "CPU time"):
        soft = facts["limits"][name][0]
        if soft is not None:
            yield warning(
                f"each process there may have only {soft} of {name}: jobs will fail at it",
                "see `ulimit -a` there, ~/.bashrc and /etc/security/limits.conf",
            )


def cgroups(subject: Subject, facts: Facts) -> Iterable[Said]:
    """Which limits hold against a job that does not keep to them."""
    found = facts["cgroups"]
    memory, pids, cpus = (found.get(name) for name in ("memory.max", "pids.max", "cpu.max"))
    total = subject.found.welcome.memory if subject.found.welcome else None
    if memory is not None and (total is None or memory < total * (1 << 20) * MEMORY_PART):
        yield warning(
            f"all jobs together may have {amount(memory)} of memory there, by the cgroup {found['path']}",
            f'write memory = "{int(memory) >> 20}M" for it in the fleet file, or have MemoryMax= raised there',
        )
    if pids is not None and pids < PROCESSES:
        yield warning(f"all jobs together may have {pids} processes there", "have TasksMax= of user slices raised")
    if cpus is not None and cpus < (subject.entry.cpus or (subject.found.welcome and subject.found.welcome.cpus) or 0):
        yield warning(
            f"all jobs together get the time of {cpus:g} CPUs there", f"write cpus = {max(1, int(cpus))} for it"
        )
    yield from _memory(subject, facts)


def _memory(subject: Subject, facts: Facts) -> Iterable[Said]:
    """Who holds a job to its memory?"""
    found, welcome = facts["cgroups"], subject.found.welcome
    version = f"cgroups version {found['version']}{', delegated' if found.get('delegated') else ''}"
    if welcome and welcome.memory_limit.startswith("cgroup"):
        yield ok(f"hard limits: memory ({welcome.memory_limit}), CPUs (affinity), time, open files")
        return
    yield ok(
        "hard limits: CPUs (affinity), time, open files; a job's memory is measured each second and held to by"
        f" killing; {version}"
    )


def resources(subject: Subject, facts: Facts) -> Iterable[Said]:
    """What the fleet file says and the machine has."""
    entry, welcome = subject.entry, subject.found.welcome
    if welcome is None:
        return
    if entry.cpus and entry.cpus > welcome.cpus:
        yield warning(
            f"the fleet file says {entry.cpus} CPUs, and it has {welcome.cpus}", f"write cpus = {welcome.cpus}"
        )
    if entry.memory and entry.memory > welcome.memory:
        fix = f'write memory = "{welcome.memory}M"'
        yield warning(f"the fleet file says {entry.memory} MiB of memory, and it has {welcome.memory}", fix)
    yield ok(f"{welcome.cpus} CPUs, {welcome.memory} MiB of memory")


def gpus(subject: Subject, facts: Facts) -> Iterable[Said]:
    """GPUs, their drivers, and what the fleet file says of them."""
    for maker, found in facts["gpus"].items():
        yield from _driver(maker, found)
    welcome, wanted = subject.found.welcome, subject.entry.gpus
    if welcome is None:
        return
    kinds = [str(gpu.get("type")) for gpu in welcome.gpus]
    for kind, count in (wanted or {}).items():
        there = kinds.count(kind) if kind else len(kinds)
        if there < count:
            yield error(
                f"the fleet file says {count} GPUs{' ' + kind if kind else ''}, and {there} can be used",
                "correct gpus in the fleet file, or see that nvidia-smi (rocm-smi, xpu-smi) shows them there",
            )
    if kinds:
        yield ok(f"GPUs: {', '.join(f'{kinds.count(kind)} {kind}' for kind in dict.fromkeys(kinds))}")
        if wanted is not None and not wanted:
            yield note(f"it has {len(kinds)} GPUs, and the fleet file says 0")


def _driver(maker: str, found: Mapping[str, Any]) -> Iterable[Said]:
    name = {"nvidia": "NVIDIA", "amd": "AMD", "intel": "Intel"}[maker]
    if "program" not in found:
        yield warning(f"it has {found['devices']} GPUs of {name}, and no driver's program", f"install {name}'s driver")
    elif found["status"] != 0:
        said = found["said"].splitlines()[-1:] or ["no word"]
        fix = "reboot it, or load the driver anew" if "mismatch" in found["said"] else f"run {found['program']} there"
        yield error(f"{name}'s GPUs cannot be used: {said[0]}", fix)
    if found["closed"]:
        files = ", ".join(found["closed"])
        yield error(f"{files} may not be opened by this user", "add the user to the group that owns them there")


def sshd(subject: Subject, facts: Facts) -> Iterable[Said]:
    """What its sshd allows."""
    if subject.is_login or subject.entry.local:
        return
    said = facts["sshd"]
    sessions = said.get("maxsessions", "10")
    if sessions.isdigit() and int(sessions) < 2:
        yield warning(
            f"its sshd has MaxSessions {sessions} ({said['file']}): a session that ends keeps the next from beginning",
            "set MaxSessions 10 there",
        )
    startups = said.get("maxstartups", "10").partition(":")[0]
    if startups.isdigit() and int(startups) < 3:
        yield warning(f"its sshd has MaxStartups {said['maxstartups']}: logins are refused at random", "set 10:30:100")


def rivals(subject: Subject, facts: Facts) -> Iterable[Said]:
    """Somebody else who gives this machine to jobs."""
    daemons = facts["others"]["daemons"]
    if daemons and subject.runs_jobs:
        yield warning(
            f"{', '.join(daemons)} runs there: another system gives its CPUs and GPUs to its own jobs and may end ours",
            "ask who looks after it, or send jobs there by a [clusters.NAME] table",
        )


# To add one: a function, and its row.
CHECKS: tuple[tuple[str, Check], ...] = (
    ("agent", agent), ("facts", facts), ("login", login), ("python", python), ("spool", spool), ("folders", folders),
    ("home", shared_home), ("clock", clock), ("logout", logout), ("ulimit", ulimits), ("cgroup", cgroups),
    ("resources", resources), ("gpu", gpus), ("sshd", sshd), ("rivals", rivals),
)  # fmt: skip
OF_LOGIN_NODE = {"agent", "facts", "python", "logout", "ulimit"}  # of a login node that runs no jobs
OF_CLUSTERS = {"login", "clock"}  # of a cluster's login node


def judge(subject: Subject, only: set[str] | None = None) -> Iterable[tuple[str, Said]]:
    """All findings of a machine, each with its check's name. A fact that is missing leaves its check out."""
    yield from (("ssh", said) for said in reached(subject))
    if not subject.found.facts:
        return
    for name, check in CHECKS:
        if only is None or name in only:
            try:
                yield from [(name, said) for said in check(subject, subject.found.facts)]
            except KeyError as missing:
                yield name, note(f"could not be judged: the machine did not say {missing}")
