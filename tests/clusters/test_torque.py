"""Jobs on a Torque: the stand-in with Torque's words, or the real one whose commands are in $MINI_SLURM_TORQUE.

With a real one the tests are run as root on its server's host, whose nodes, pbsn1 to pbsn3 of 4 CPUs, share its
accounts and /home.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clusters import replay
from tests.clusters.conftest import HERE, User
from tests.clusters.openpbs.install import install
from tests.clusters.test_slurm import ended, state_of, submitted
from tests.waiting import wait_until

REAL = os.environ.get("MINI_SLURM_TORQUE", "")
FLEET = (
    HERE
    + """[clusters.tq]
type = "torque"
queues = ["batch"]
folder = "{bin}"
environment = {{ STAND_IN_PBS = "{state}", STAND_IN_TORQUE = "3" }}
"""
)


@pytest.fixture
def torque(user: User) -> Iterator[Path]:
    """The folder of its commands; the user's fleet file names it."""
    folder, state = user.home / "torque-bin", user.home / "torque"
    if REAL:
        folder.mkdir()
        for program in Path(REAL).iterdir():
            (folder / program.name).symlink_to(program)
    else:
        install(
            folder, str(user.install.python / f"python{sys.version_info.major}.{sys.version_info.minor}"), torque=True
        )
    state.mkdir()
    shutil.chown(state, user.login)
    user.fleet(FLEET.format(bin=folder, state=state))
    yield folder
    if REAL:
        listed = subprocess.run([f"{REAL}/qselect", "-u", user.login], capture_output=True, text=True)
        subprocess.run([f"{REAL}/qdel", *listed.stdout.split()], capture_output=True)
    replay.end_jobs(state)


def field(user: User, number: str, *names: str) -> list[str]:
    """What msacct knows of a job, and of the tasks of an array."""
    return sorted(user.run("msacct", "-X", "-n", "-P", "-j", number, "-o", ",".join(names)).split())


def test_a_script_is_translated_and_runs_as_slurm_would_run_it(user: User, torque: Path) -> None:
    user.write(
        "job.sh", '#!/bin/bash\n#SBATCH -N 2 --ntasks-per-node=2 -t 10 -o out-%j\necho $SLURM_NTASKS "$@"; exit 3\n'
    )
    number = submitted(user.run("msbatch", "-p", "batch", "-J", "a long name of mine", "job.sh", "a b"))
    assert ended(user, number) == "FAILED"
    assert user.run("msacct", "-X", "-n", "-P", "-j", number, "-o", "JobName,ExitCode,NNodes,Cluster") == (
        "a long name of mine|3:0|2|tq\n"
    )
    assert (user.home / f"out-{number}").read_text() == "4 a b\n"


def test_srun_reaches_the_other_nodes(user: User, torque: Path) -> None:
    lines = [
        "#!/bin/bash",
        "#SBATCH -N 3 --ntasks-per-node=2 -o out",
        "srun -l bash -c 'echo $SLURM_NODEID $SLURM_LOCALID'",
        "echo typed | srun -N 2 -n 2 -o 'task-%t' bash -c 'cat; echo $MINE'",
        "cat task-0 task-1",
        "srun -N 1 -w pbsn3 -n 1 bash -c 'exit 5' 2>&1",
        "srun -N 1 -w pbsn2 -n 1 bash -c 'touch began; exec sleep 600' &",
        "until [ -e began ]; do sleep 0.1; done; kill $!; wait $!; echo $?",
    ]
    user.write("job.sh", "\n".join(lines))
    number = submitted(user.run("msbatch", "-M", "tq", "job.sh", MINE="my own"))
    assert ended(user, number) == "COMPLETED"
    output = (user.home / "out").read_text().splitlines()
    assert sorted(output[:6]) == [f"{task}: {task // 2} {task % 2}" for task in range(6)]
    assert output[6:] == [
        "typed", "my own", "typed", "my own", "srun: error: pbsn3: task 0: Exited with exit code 5",
        "srun: error: pbsn2: task 0: Terminated", "143",
    ]  # fmt: skip


def test_an_array_has_its_tasks_also_those_of_a_list_with_steps(user: User, torque: Path) -> None:
    words = ("-a", "1-5:2,8%2", "-o", "%A_%a", "--wrap", "exit $((SLURM_ARRAY_TASK_ID - 1))")
    number = submitted(user.run("msbatch", "-M", "tq", *words))
    wait_until(lambda: {*state_of(user, number).split()} == {"COMPLETED", "FAILED"}, "the tasks end", seconds=90)
    assert field(user, number, "JobID", "State", "ExitCode") == [
        f"{number}_{task}|{'FAILED' if task > 1 else 'COMPLETED'}|{task - 1}:0" for task in (1, 3, 5, 8)
    ]
    assert sorted(path.name for path in user.home.glob(f"{number}_*")) == [f"{number}_{task}" for task in (1, 3, 5, 8)]


def test_a_job_that_waits_for_an_array_runs_or_not_by_how_its_tasks_ended(user: User, torque: Path) -> None:
    array = submitted(
        user.run("msbatch", "-M", "tq", "-H", "-a", "1-2", "--wrap", "exit $((SLURM_ARRAY_TASK_ID == 2))")
    )
    well, badly = (
        submitted(user.run("msbatch", "-M", "tq", "-d", f"{kind}:{array}", "--wrap", "true"))
        for kind in ("afterok", "afternotok")
    )
    assert user.run("msqueue", "-h", "-j", badly, "-o", "%T %r") == "PENDING Dependency\n"
    user.run("mscontrol", "release", array)
    assert ended(user, badly) == "COMPLETED"
    assert ended(user, well).startswith("CANCELLED")


def test_a_job_is_held_changed_released_and_cancelled(user: User, torque: Path) -> None:
    number = submitted(user.run("msbatch", "-M", "tq", "-H", "-t", "10", "-J", "held", "--wrap", "sleep 600"))
    assert user.run("msqueue", "-h", "-o", "%i %P %j %T %r %l") == f"{number} batch held PENDING JobHeldUser 10:00\n"
    user.run("mscontrol", "update", f"JobId={number}", "TimeLimit=20", "Nice=5")
    shown = user.run("mscontrol", "show", "job", number)
    assert all(part in shown for part in ("TimeLimit=00:20:00", " Nice=5 ")), shown
    user.run("mscontrol", "release", number)
    wait_until(lambda: state_of(user, number) == "RUNNING", "it runs", seconds=60)
    user.run("mscancel", number)
    assert ended(user, number).startswith("CANCELLED")


def test_how_jobs_end(user: User, torque: Path) -> None:
    numbers = [submitted(user.run("msbatch", "-M", "tq", "--wrap", text)) for text in ("true", "exit 7", "kill -9 $$")]
    assert [ended(user, number) for number in numbers] == ["COMPLETED", "FAILED", "FAILED"]
    assert [field(user, number, "ExitCode") for number in numbers] == [["0:0"], ["7:0"], ["0:9"]]


def test_a_pbs_script_passes_through_untouched(user: User, torque: Path) -> None:
    user.write("job.pbs", "#!/bin/bash\n#PBS -N theirs -l nodes=1:ppn=2 -v A=1\necho $A $PBS_NP\nexit 5\n")
    number = submitted(user.run("msbatch", "-M", "tq", "job.pbs"))
    assert ended(user, number) == "FAILED"
    assert (user.home / f"theirs.o{int(number) % 10_000_000}").read_text() == "1 2\n"  # 10000000 is its job 0
    assert field(user, number, "ExitCode") == ["5:0"]


def test_nodes_and_queues_are_shown_as_sinfo_shows_them(user: User, torque: Path) -> None:
    assert user.run("msinfo", "-M", "tq", "-h", "-o", "%P %a %D %t %N") == "batch* up 3 idle pbsn[1-3]\n"


def test_an_answer_that_was_lost_is_found_by_its_tag(user: User, torque: Path) -> None:
    (torque / "qsub").rename(torque / "real-qsub")
    user.write("torque-bin/qsub", f'#!/bin/bash\n{torque}/real-qsub "$@" > /dev/null\n', 0o755)
    number = submitted(user.run("msbatch", "-M", "tq", "-H", "-J", "lost", "--wrap", "true"))
    assert user.run("msqueue", "-h", "-o", "%i %j") == f"{number} lost\n"


def test_what_torque_refuses_it_refuses_in_its_own_words(user: User, torque: Path) -> None:
    refused = user.try_("msbatch", "-M", "tq", "-p", "nosuch", "--wrap", "true")
    assert (refused.returncode, refused.stdout) == (172, "")
    assert refused.stderr == "qsub: submit error (Unknown queue MSG=requested queue not found)\n"


def test_on_path_it_is_known_for_what_it_is(user: User, torque: Path) -> None:
    del user.variables["MINI_SLURM_FLEET"]
    user.path.insert(0, str(torque))
    user.variables.update(STAND_IN_PBS=str(user.home / "torque"), STAND_IN_TORQUE="3")
    number = submitted(user.run("msbatch", "-H", "--wrap", "true"))
    assert user.run("msqueue", "-h", "-j", number, "-O", "cluster").strip() == "torque"
    user.run("mscancel", number)
