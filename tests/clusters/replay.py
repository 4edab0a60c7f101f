"""Recordings of an OpenPBS, played against the stand-in: what differs each time (names, moments) is made alike."""

from __future__ import annotations

import json
import os
import pwd
import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.clusters.openpbs.install import install
from tests.fleet import processes
from tests.waiting import wait_until

HERE = Path(__file__).parent
RECORDED = HERE / "openpbs.jsonl"
AGREED = HERE / "openpbs-agreed.txt"
OTHERS = HERE / "openpbs-others.txt"  # and why they do not agree
# How many times faster than when it was recorded: what a machine was too slow for is played again, slower.
SPEEDS = (6, 1, 0.25)
# waits for a moment more than a minute away; come out where they are played slowly
SLOW = frozenset({"map-035", "state-002", "state-008"})
# what the recordings were made with: wait for a state, or for the end
HELPERS = """
wst() { for i in $(seq ${3:-100}); do qstat -xf "$1" 2> /dev/null | grep -q "job_state = $2" && return; sleep 1; done; }
wend() { for i in $(seq 100); do qstat "$1" > /dev/null 2>&1 || return; sleep 0.5; done; }
"""
SLEEP = """#!/bin/bash
exec /bin/sleep "$(awk "BEGIN {{ print $1 / {speed} }}")"
"""
DATE = r"""#!/bin/bash
[ "$*" = +%s ] || exec /bin/date "$@"
awk "BEGIN {{ printf \"%d\\n\", $EPOCHREALTIME * {speed} }}"
"""
HOSTNAME = """#!/bin/bash
echo "${STAND_IN_HOST:-pbsn1}"
"""
ROOTS = "mkdir -p ~/kit/kit; echo 'sleep 60' | STAND_IN_USER=root qsub > ~/kit/kit/rootjob"  # a job of somebody else
# what the about says of how the server was set up
SETTINGS = {"without history": "FORGETS", "without job history": "FORGETS", "$enforce mem": "ENFORCES",
            "routing queue": "ROUTES"}  # fmt: skip
# cases that look at jobs which others before them made
QUEUES = {r"qselect -N|qstat-05[0-3]": "qstat-001", "pbsnodes-00": "pbsnodes-002"}
VARYING = (
    (re.compile(r"\w{3} \w{3} [ \d]\d(?: at)? \d\d:\d\d(?::\d\d \d{4})?"), "MOMENT"),
    (re.compile(r'(timestamp"?\s?[:=]\s)\d+'), r"\1#"),
    (re.compile(r'(_time(?:":\t|=))\d{10}'), r"\1#"),
    (re.compile(r'(session_id(?:"?:\t| = |=))\d+'), r"\1#"),
    # the mom tells of what running jobs use from time to time
    (re.compile(r"^    resources_used\.\w+ = \S+\n", re.MULTILINE), ""),
    (re.compile(r'(resources_used\.\w+(?: = |=)|"(?:mem|vmem|walltime|cput)":\t")[\d:]+'), r"\1#"),
    (re.compile(r"(?:       0|00:00:00) ([REXS]) "), r"    USED \1 "),
    (re.compile(r" +\d+( +\d+ +\d+ +\S+ \d\d:\d\d [RSE] )"), r" SESSION\1"),
    # of a server: with those that are in its history
    (re.compile(r'(Active(?:.*\n){3}\s+"?total_jobs"?(?: =|:)\s)\d+'), r"\1#"),
    (re.compile(r"(^pbsn1 +0) +\d+( .* Active)", re.MULTILINE), r"\1 #\2"),
    (re.compile(r"(killed: (?:walltime|mem) )\d+"), r"\1#"),
    (re.compile(r"(PBS_JOBCOOKIE=)\w+"), r"\1#"),
    (re.compile(r" +\d+( Segmentation fault)(?: +\(core dumped\))? +"), r" #\1 "),
    (re.compile(r"^STAND_IN_\w+=.*\n", re.MULTILINE), ""),  # the stand-in's own
    # Torque: moments, what was used, and how many jobs there were before
    (re.compile(r"<(\wtime|start_time|comp_time|session_id|total_runtime|Remaining|v?mem)>[^<]*"), r"<\1>#"),
    (re.compile(r"<walltime>[\d:]+</walltime></resources_used>"), "<walltime>#</walltime></resources_used>"),
    (re.compile(r"(     status = ).*"), r"\1#"),
    (re.compile(r"((?:total_jobs|next_job_number|mtime) = )\d+"), r"\1#"),
    (
        re.compile(r"state_count = (?:\w+:\d+ |Comp\n\tlete:\d+ )+\n(?=    (?:resources_default.nodes|acl_hosts))"),
        "COUNTS\n",
    ),
)
# what is another each time, or on another machine, in one recording alone
VARYING_IN = {
    "qsub-062": [(r"^(d\S+) .*MOMENT (\.+)$", r"\1 \2"), (r"\w{3} \d\d \d\d:\d\d", "MOMENT")],  # whose the folders are
    "array-012": [(r"idx=\d jid=82\[\d\]", "idx=# jid=82[#]")],  # which of the tasks ends last
    # a folder's name was shortened in the recording, so a line less is folded, and one more is seen
    "opts-004": [(r"\n\t", ""), (r"^    history_timestamp.*\n", "")],
    "opts-015": [(r"^ +\^\n", "")],  # where Python sees the fault, by its version
    "run-002": [
        (r"(/bin/bash )/.*(/mom_priv/)", r"\1\2"),
        (r"pipe:\[\d+\]", "pipe:[#]"),
        (r"(\(.*-\w\)) \w+$", r"\1 #"),
    ],  # limits of the machine
    "exit-015": [(r"^Terminated\n", "")],  # whether the shell can still say so
    "exit-016": [(r"^[1-3] s$", "1 s")],  # whole seconds
    "exit-017": [(r"^1[0-3] s$", "12 s")],
    "state-001": [(r"^(R 42|E 51)\n", "")],  # states that last for less than a look
    "qselect-001": [(r"^N+$", "N")],  # how many jobs there were before
    "map-037": [  # when the mom looks, and what the script and its shell say at that moment
        (r"^Terminated\n", ""),
        (r"TERM at \d+", "TERM at #"),
        (r"(=>>.*\n)(\$SECONDS\n)+", r"\1"),
        (r"(\$SECONDS\n)+", "$SECONDS\n"),
        (r"00:00:\d\d", "00:00:#"),
    ],
}
# what those who recorded had in their environment, which -V hands on
RECORDER = {
    "SECRET": "x",
    "PWD": "",
    "TERM": "dumb",
    "USER": "bob",
    "SLURM_JOB_ID": "77",
    "OLDPWD": "/home/bob/kit/kit",
}
# what jobs before it left undelivered
LEFT = {"output-021": "144.pbsn1.OU"}
LIMIT = 120  # seconds for a case

Case = dict[str, object]


@dataclass(frozen=True)
class Recordings:
    """A system that was recorded: its cases, and where it had what."""

    path: Path
    helpers: str
    work: str  # the folder of its users, at their home
    home: str
    bin: str
    spool: str
    torque: bool = False

    def cases(self) -> dict[str, Case]:
        """Every recording by its id."""
        found = map(json.loads, self.path.read_text().splitlines())
        return {str(case["id"]): case for case in found}


OPENPBS = Recordings(RECORDED, HELPERS, "work", "/home/bob", "/opt/pbs/bin", "/var/spool/pbs")
TORQUE = Recordings(
    HERE / "torque.jsonl",
    """
w() { for i in $(seq 200); do qstat -t -x "$1" 2> /dev/null | grep -q "<job_state>$2" && return; sleep 0.2; done; }
""",
    "rec",
    "/home/alice",
    "/opt/torque/bin",
    "/var/spool/torque",
    torque=True,
)


def cases() -> dict[str, Case]:
    """Every recording of the OpenPBS by its id."""
    return OPENPBS.cases()


def play(case: Case, folder: Path, speed: float, of: Recordings = OPENPBS) -> tuple[str, str, int]:
    """What the case prints on both streams, and its exit status, as it was recorded."""
    home, state, bin, fast = (
        folder / "home",
        folder / "state",
        install(folder / "bin", torque=of.torque),
        folder / "fast",
    )
    work = home / of.work
    for made in (work, state / "undelivered", fast):
        made.mkdir(parents=True)
    for command, text in (
        ("sleep", SLEEP.format(speed=speed)),
        ("date", DATE.format(speed=speed)),
        ("hostname", HOSTNAME),
    ):
        (fast / command).write_text(text)
        (fast / command).chmod(0o755)
    # of login shells
    (home / ".profile").write_text(f"PATH={fast}:/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games:{bin}\n")
    if str(case["id"]) in LEFT:
        (state / "undelivered" / LEFT[str(case["id"])]).touch()
    environment = {
        "PATH": f"{fast}:{bin}:/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8", "LOGNAME": str(case["user"]),
        "SHELL": "/bin/bash", "STAND_IN_PBS": str(state), "STAND_IN_USER": str(case["user"]),
        "STAND_IN_FIRST": _first_of_torque(case) if of.torque else _first_number(case), "STAND_IN_SPEED": str(speed),
        "STAND_IN_SHOWN": json.dumps({f"{fast}:": "", str(home): of.home, str(bin): of.bin}),
    }  # fmt: skip
    environment.update({f"STAND_IN_{name}": "1" for words, name in SETTINGS.items() if words in str(case["about"])})
    environment.update({"STAND_IN_TORQUE": "1"} if of.torque else {})
    if "mail.log" in str(case["cmd"]):
        environment["STAND_IN_MAIL"] = str(home / "kit" / "mail" / "mail.log")
        (home / "kit" / "mail").mkdir(parents=True)
    if re.search(r"qsub .*-V", str(case["cmd"])):
        (home / "kit" / "kit").mkdir(parents=True)
        environment.update({name: value.replace(of.home, str(home)) for name, value in RECORDER.items()})
    places = {
        str(home): of.home, str(bin): of.bin, str(state): of.spool,
        str(fast / "hostname"): "/bin/hostname", f"{folder}/root/": "/root/",
    }  # fmt: skip
    done = subprocess.run(
        ["bash", "-c", _script(case, places, of.helpers)],
        cwd=work,
        env=environment,
        capture_output=True,
        encoding="latin-1" if of.torque else "utf-8",
        timeout=LIMIT,
    )
    out, err = (
        alike(_owned(text.partition("----\n")[2], str(case["user"])).replace(f"{fast}:", ""), case, places)
        for text in (done.stdout, done.stderr)
    )
    return out, err, done.returncode


def recorded(case: Case) -> tuple[str, str, int]:
    """The same of the recording; what was asked afterwards follows."""
    code = case["rc"]
    assert isinstance(code, int)
    after = "".join(f"----\n{told['out']}" for told in _after(case))
    return alike(str(case["stdout"]) + after, case), alike(str(case["stderr"]), case), code


def _after(case: Case) -> list[dict[str, str]]:
    found = case.get("after") or []
    assert isinstance(found, list)
    return found


def _owned(text: str, user: str) -> str:
    """Listings of files, as if the user of the recording had played it in the folder that was made for it."""
    mine = re.escape(pwd.getpwuid(os.getuid()).pw_name)
    return re.sub(rf"^([-d][-rwx]{{9}}) {mine} ", rf"\1 {user} ", text, flags=re.MULTILINE)


def _first_number(case: Case) -> str:
    text = f"{json.dumps(case.get('vars', {}))} {case.get('setup_out', '')} {case['stdout']} {case['stderr']}"
    others = [cases()[other] for other in _before(case)]
    text = f"{others[0]['stdout']}{others[0].get('vars')}" if others else text
    numbers = [
        number
        for number in re.findall(r"\b(\d+)(?:\[\d*\])?\.pbsn1", text)
        if number not in ("99999", *LEFT.get(str(case["id"]), "").split("."))
    ]
    return min(numbers, key=int, default="1")


def _first_of_torque(case: Case) -> str:
    """The numbers of what the setup submits were not kept."""
    text = "\n".join([str(case["stdout"]), *(told["out"] for told in _after(case))])
    named = [re.findall(r"\b(\d+)(?:\[\d*\])?\.pbsn1", words) for words in (text, str(case["stderr"]))]
    number = min(map(int, named[0] or named[1]), default=1)
    before = sum("qsub" in part for part in _setup(case)) if str(case["cmd"]).startswith("qsub") else 0
    return str(number - before)


def _before(case: Case) -> list[str]:
    """The case whose jobs this one looks at."""
    words = f"{case['id']} {case.get('setup')}"
    return [other for word, other in QUEUES.items() if re.search(word, words) and other != case["id"]]


def _setup(case: Case) -> list[str]:
    found = case.get("setup") or []
    assert isinstance(found, list)
    return [str(part) for part in found]


def _script(case: Case, places: dict[str, str], helpers: str) -> str:
    parts = [ROOTS] if "rootjob" in str(case.get("setup")) else []
    parts += [part for other in _before(case) for part in _setup(cases()[other])] + _setup(case)
    # a redirection of its own would make a subshell of what sets variables
    lines = [f"eval {shlex.quote(part)} > /dev/null" for part in parts]
    lines += ["echo ---- | tee /dev/stderr", str(case["cmd"])]
    if _after(case):
        later = [line for told in _after(case) for line in ("echo ----", told["cmd"])]
        lines += ["code=$?", *later, "exit $code"]
    text = "\n".join([helpers, *lines])
    for here, there in places.items():
        text = text.replace(there, here)
    return text


def end_jobs(folder: Path) -> None:
    """End what runs for a stand-in there; a job that is just starting is met by a further look."""
    wait_until(lambda: not processes.mentioning(folder) or processes.kill(processes.mentioning(folder)), "jobs to end")


def alike(text: str, case: Case, places: dict[str, str] | None = None) -> str:
    """Without what is another each time."""
    for here, there in (places or {}).items():
        text = text.replace(here, there)
    for pattern, plain in VARYING:
        text = pattern.sub(plain, text)
    for varying, plain in VARYING_IN.get(str(case["id"]), ()):
        text = re.sub(varying, plain, text, flags=re.MULTILINE)
    return text
