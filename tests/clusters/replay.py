"""Recordings of an OpenPBS, played against the stand-in: what differs each time (names, moments) is made alike."""

from __future__ import annotations

import json
import os
import pwd
import re
import shlex
import subprocess
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
SLOW = frozenset({"map-035"})  # waits for a moment more than a minute away
# what the recordings were made with: wait for a state, or for the end
HELPERS = """
wst() { for i in $(seq ${3:-100}); do qstat -xf "$1" 2> /dev/null | grep -q "job_state = $2" && return; sleep 1; done; }
wend() { for i in $(seq 100); do qstat "$1" > /dev/null 2>&1 || return; sleep 0.5; done; }
"""
SLEEP = """#!/bin/bash
exec /bin/sleep "$(awk "BEGIN {{ print $1 / {speed} }}")"
"""
HOSTNAME = "#!/bin/bash\necho pbsn1\n"
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
)
LIMIT = 120  # seconds for a case

Case = dict[str, object]


def cases() -> dict[str, Case]:
    """Every recording by its id."""
    found = map(json.loads, RECORDED.read_text().splitlines())
    return {str(case["id"]): case for case in found}


def play(case: Case, folder: Path, speed: float) -> tuple[str, str, int]:
    """What the case prints on both streams, and its exit status, as it was recorded."""
    home, state, bin = folder / "home", folder / "state", install(folder / "bin")
    work = home / "work"
    work.mkdir(parents=True)
    state.mkdir()
    for command, text in (("sleep", SLEEP.format(speed=speed)), ("hostname", HOSTNAME)):
        (bin / command).write_text(text)
        (bin / command).chmod(0o755)
    (home / ".profile").write_text(f"PATH={bin}:$PATH\n")  # of login shells
    environment = {
        "PATH": f"{bin}:/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8", "LOGNAME": str(case["user"]),
        "SHELL": "/bin/bash", "STAND_IN_PBS": str(state), "STAND_IN_USER": str(case["user"]),
        "STAND_IN_FIRST": _first_number(case), "STAND_IN_SPEED": str(speed),
        "STAND_IN_SHOWN": json.dumps({str(home): "/home/bob", str(bin): "/opt/pbs/bin"}),
    }  # fmt: skip
    environment.update({f"STAND_IN_{name}": "1" for words, name in SETTINGS.items() if words in str(case["about"])})
    if "mail.log" in str(case["cmd"]):
        environment["STAND_IN_MAIL"] = str(home / "kit" / "mail" / "mail.log")
        (home / "kit" / "mail").mkdir(parents=True)
    places = {str(home): "/home/bob", str(bin): "/opt/pbs/bin", str(state): "/var/spool/pbs"}
    done = subprocess.run(
        ["bash", "-c", _script(case, places)], cwd=work, env=environment, capture_output=True, text=True, timeout=LIMIT
    )
    out, err = (
        alike(_owned(text.partition("----\n")[2], str(case["user"])), places) for text in (done.stdout, done.stderr)
    )
    return out, err, done.returncode


def recorded(case: Case) -> tuple[str, str, int]:
    """The same of the recording; what was asked afterwards follows."""
    code = case["rc"]
    assert isinstance(code, int)
    after = "".join(f"----\n{told['out']}" for told in _after(case))
    return alike(str(case["stdout"]) + after), alike(str(case["stderr"])), code


def _after(case: Case) -> list[dict[str, str]]:
    found = case.get("after") or []
    assert isinstance(found, list)
    return found


def _owned(text: str, user: str) -> str:
    """Listings of files, as if the user of the recording had played it."""
    mine = re.escape(pwd.getpwuid(os.getuid()).pw_name)
    return re.sub(rf"^([-d][-rwx]{{9}}) {mine} ", rf"\1 {user} ", text, flags=re.MULTILINE)


def _first_number(case: Case) -> str:
    text = f"{json.dumps(case.get('vars', {}))} {case.get('setup_out', '')} {case['stdout']} {case['stderr']}"
    others = [cases()[other] for other in _before(case)]
    text = f"{others[0]['stdout']}{others[0].get('vars')}" if others else text
    numbers = [number for number in re.findall(r"\b(\d+)(?:\[\d*\])?\.pbsn1", text) if number != "99999"]
    return min(numbers, key=int, default="1")


def _before(case: Case) -> list[str]:
    """The case whose jobs this one looks at."""
    words = f"{case['id']} {case.get('setup')}"
    return [other for word, other in QUEUES.items() if re.search(word, words) and other != case["id"]]


def _setup(case: Case) -> list[str]:
    found = case.get("setup") or []
    assert isinstance(found, list)
    return [str(part) for part in found]


def _script(case: Case, places: dict[str, str]) -> str:
    parts = [ROOTS] if "rootjob" in str(case.get("setup")) else []
    parts += [part for other in _before(case) for part in _setup(cases()[other])] + _setup(case)
    # a redirection of its own would make a subshell of what sets variables
    lines = [f"eval {shlex.quote(part)} > /dev/null" for part in parts]
    lines += ["echo ---- | tee /dev/stderr", str(case["cmd"])]
    if _after(case):
        later = [line for told in _after(case) for line in ("echo ----", told["cmd"])]
        lines += ["code=$?", *later, "exit $code"]
    text = "\n".join([HELPERS, *lines])
    for here, there in places.items():
        text = text.replace(there, here)
    return text


def end_jobs(folder: Path) -> None:
    """End what runs for a stand-in there; a job that is just starting is met by a further look."""
    wait_until(lambda: not processes.mentioning(folder) or processes.kill(processes.mentioning(folder)), "jobs to end")


def alike(text: str, places: dict[str, str] | None = None) -> str:
    """Without what is another each time."""
    for here, there in (places or {}).items():
        text = text.replace(here, there)
    for pattern, plain in VARYING:
        text = pattern.sub(plain, text)
    return text
