"""Jobs on a PBS: a stand-in that really runs them, and answers as an OpenPBS was recorded to, or a real one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.clusters import pbs_systems
from tests.clusters.conftest import HERE, User
from tests.clusters.pbs_systems import Pbs, fake, jobs, run
from tests.clusters.test_slurm import ended, state_of, submitted
from tests.waiting import wait_until

FLEET = (
    HERE
    + """[clusters.pbs]
type = "pbs"
queues = ["workq", "gpu"]
folder = "{bin}"
environment = {{ STAND_IN_PBS = "{state}" }}
"""
)


@pytest.fixture
def pbs(user: User) -> Iterator[Pbs]:
    """A PBS that the user's fleet file names."""
    made = pbs_systems.make(user)
    user.fleet(FLEET.format(bin=made.bin, state=made.state))
    yield made
    made.close()


def states(pbs: Pbs) -> set[str]:
    """The states of all jobs, in PBS's letters."""
    return {job["job_state"] for job in jobs(pbs).values()}


def test_a_script_is_translated_and_runs_as_slurm_would_run_it(pbs: Pbs) -> None:
    user = pbs.user
    lines = [
        "#!/bin/bash",
        '#SBATCH -n 2 -c 2 -t 1-0 --mem=1G -J "my job" -o %x-%j.txt',
        'printf "%s\\n" "$@" $SLURM_JOB_ID $SLURM_NTASKS $SLURM_CPUS_PER_TASK "$SLURM_JOB_NAME" "$PWD"; exit 3',
    ]
    shutil.chown(user.write("work/job.sh", "\n".join(lines)).parent, user.login)
    number = submitted(user.run("msbatch", "-p", "workq", "-D", str(user.home / "work"), "work/job.sh", "a b", "$(id)"))
    assert ended(user, number) == "FAILED"
    assert user.run("msacct", "-X", "-n", "-P", "-j", number, "-o", "JobName,ExitCode,Partition,Cluster") == (
        "my job|3:0|workq|pbs\n"
    )
    output = (user.home / "work" / f"my job-{number}.txt").read_text().splitlines()
    assert output == ["a b", "$(id)", number, "2", "2", "my job", str(user.home / "work")]
    job = jobs(pbs)[number]
    assert job["Job_Name"] == "my_job"
    assert [job[f"Resource_List.{name}"] for name in ("select", "place", "walltime")] == [
        "2:ncpus=2:mpiprocs=1:ompthreads=2:mem=512mb", "free", "24:00:00"
    ]  # fmt: skip


@pytest.mark.parametrize("history", [True, False], ids=["history", "no history"])
def test_ends_are_known_with_and_without_job_history(pbs: Pbs, history: bool) -> None:
    if not history:
        pbs.set("history", False)
    user = pbs.user
    well = submitted(user.run("msbatch", "-M", "pbs", "--wrap", "true"))
    badly = submitted(user.run("msbatch", "-M", "pbs", "--wrap", "exit 7"))
    killed = submitted(user.run("msbatch", "-M", "pbs", "--wrap", "kill -9 $$"))
    assert ended(user, well) == "COMPLETED"
    assert ended(user, badly) == "FAILED"
    assert ended(user, killed) == "FAILED"
    codes = user.run("msacct", "-X", "-n", "-P", "-j", f"{well},{badly},{killed}", "-o", "ExitCode").split()
    assert codes == ["0:0", "7:0", "0:9"]


def test_a_script_of_pbs_passes_through_with_its_variables(pbs: Pbs) -> None:
    user = pbs.user
    user.write("job.sh", '#PBS -N own -j oe -o out\n#PBS -v "A=x y",B=2\necho "$A|$B"\n')
    number = submitted(user.run("msbatch", "-M", "pbs", "job.sh"))
    assert ended(user, number) == "COMPLETED"
    assert (user.home / "out").read_text() == "x y|2\n"


def test_an_array_has_its_tasks(pbs: Pbs) -> None:
    user = pbs.user
    number = submitted(
        user.run("msbatch", "-M", "pbs", "-a", "1-5:2%2", "-o", "%A_%a", "--wrap", "exit $((SLURM_ARRAY_TASK_ID - 1))")
    )
    wait_until(lambda: {*state_of(user, number).split()} == {"COMPLETED", "FAILED"}, "the tasks end", seconds=60)
    shown = user.run("msacct", "-X", "-n", "-P", "-j", number, "-o", "JobID,State,ExitCode").split()
    assert sorted(shown) == [f"{number}_1|COMPLETED|0:0", f"{number}_3|FAILED|2:0", f"{number}_5|FAILED|4:0"]
    assert sorted(path.name for path in user.home.glob(f"{number}_*")) == [f"{number}_{task}" for task in (1, 3, 5)]


def test_an_array_of_one_task_has_one_task(pbs: Pbs) -> None:
    user = pbs.user
    number = submitted(user.run("msbatch", "-M", "pbs", "-H", "-a", "5", "-o", "out", "--wrap", "env"))
    assert user.run("msqueue", "-h", "-o", "%i") == f"{number}_5\n"
    user.run("mscontrol", "release", number)
    wait_until(lambda: state_of(user, number) == "COMPLETED", "the task ends", seconds=60)
    assert user.run("msacct", "-X", "-n", "-P", "-j", number, "-o", "JobID") == f"{number}_5\n"
    found = dict(line.partition("=")[::2] for line in (user.home / "out").read_text().splitlines())
    assert [found[f"SLURM_ARRAY_TASK_{name}"] for name in ("ID", "MAX", "COUNT", "STEP")] == ["5", "5", "1", "1"]


def test_a_job_is_listed_held_released_changed_and_cancelled(pbs: Pbs) -> None:
    user = pbs.user
    number = submitted(user.run("msbatch", "-M", "pbs", "-H", "-t", "10", "-J", "held", "--wrap", "sleep 600"))
    assert user.run("msqueue", "-h", "-o", "%i %P %j %T %r %l") == f"{number} workq held PENDING JobHeldUser 10:00\n"
    user.run("mscontrol", "update", f"JobId={number}", "TimeLimit=20", "JobName=a b", "Nice=5")
    shown = user.run("mscontrol", "show", "job", number)
    assert all(part in shown for part in ("TimeLimit=00:20:00", "JobName=a b\n", " Nice=5 ")), shown
    user.run("mscontrol", "release", number)
    wait_until(lambda: state_of(user, number) == "RUNNING", "it runs")
    user.run("mscancel", number)
    assert ended(user, number).startswith("CANCELLED")
    assert states(pbs) == {"F"}


def test_a_job_with_more_memory_than_it_may_have_is_out_of_memory(pbs: Pbs) -> None:
    pbs.set("enforces", True)
    greedy = "exec python3 -c 'block = bytearray(200 << 20); import time; time.sleep(600)'"
    number = submitted(pbs.user.run("msbatch", "-M", "pbs", "--mem=50", "--wrap", greedy))
    assert ended(pbs.user, number) == "OUT_OF_MEMORY"


def test_a_job_over_its_limit_is_a_timeout(pbs: Pbs) -> None:
    number = submitted(pbs.user.run("msbatch", "-M", "pbs", "-H", "-t", "1", "--wrap", "sleep 600"))
    run(pbs, "qalter", "-l", "walltime=00:00:01", number)
    run(pbs, "qrls", number)
    assert ended(pbs.user, number) == "TIMEOUT"


def test_a_job_that_runs_again_is_told_so(pbs: Pbs) -> None:
    user = pbs.user
    first = '[ -n "$SLURM_RESTART_COUNT" ] || { echo first > began; sleep 600; }; echo again $SLURM_RESTART_COUNT'
    number = submitted(user.run("msbatch", "-M", "pbs", "--requeue", "-o", "out", "--wrap", first))
    wait_until((user.home / "began").exists, "it runs")
    pbs.operate("qrerun", number)
    assert ended(user, number) == "COMPLETED"
    assert (user.home / "out").read_text() == "again 1\n"
    assert " Restarts=1 " in user.run("mscontrol", "show", "job", number)


def test_srun_and_scontrol_work_in_the_job(pbs: Pbs) -> None:
    user = pbs.user
    lines = [
        "#!/bin/bash",
        "#SBATCH -N 2 --ntasks-per-node=2 -o out",
        "scontrol show hostnames $SLURM_JOB_NODELIST",
        "srun -l bash -c 'echo $SLURM_PROCID $SLURM_NODEID $SLURM_LOCALID'",
        "echo typed | srun -N 2 -n 2 -o 'task-%t' bash -c 'cat; echo $MINE'",
        "cat task-0 task-1",
        "srun -N 1 -w pbsn2 -n 1 --export=ALL,MINE=theirs bash -c 'echo $MINE >&2; exit 5' 2>&1",
        "srun -N 1 -w pbsn2 -n 1 bash -c 'kill -9 $$' 2>&1",
        "echo $?",
        "srun -N 1 -w pbsn2 -n 1 bash -c 'touch began; exec sleep 600' &",
        "until [ -e began ]; do sleep 0.1; done; kill $!; wait $!; echo $?",
        "srun -N 1 -n 1 bash -c 'exit 4'",
    ]
    user.write("job.sh", "\n".join(lines))
    number = submitted(user.run("msbatch", "-M", "pbs", "job.sh", MINE="my own"))
    assert ended(user, number) == "FAILED"
    lines = (user.home / "out").read_text().splitlines()
    assert lines[:2] == ["pbsn1", "pbsn2"]
    assert sorted(lines[2:6]) == ["0: 0 0 0", "1: 1 0 1", "2: 2 1 0", "3: 3 1 1"]
    assert lines[6:] == [
        "typed", "my own", "typed", "my own", "theirs", "srun: error: pbsn2: task 0: Exited with exit code 5",
        "srun: error: pbsn2: task 0: Killed", "137", "srun: error: pbsn2: task 0: Terminated", "143",
        "srun: error: pbsn1: task 0: Exited with exit code 4",
    ]  # fmt: skip
    assert user.run("msacct", "-X", "-n", "-P", "-j", number, "-o", "ExitCode") == "4:0\n"
    assert "my own" not in run(pbs, "qstat", "-x", "-f", "-w", number)


def test_tasks_of_an_array_that_ended_unseen_have_their_ends(pbs: Pbs) -> None:
    user = pbs.user
    number = submitted(user.run("msbatch", "-M", "pbs", "-a", "0-4:2", "--wrap", "exit $SLURM_ARRAY_TASK_ID"))
    wait_until(lambda: states(pbs) <= {"F", "X"}, "PBS has run the array", seconds=60)
    wait_until(lambda: {*state_of(user, number).split()} == {"COMPLETED", "FAILED"}, "the tasks are known", seconds=60)
    shown = user.run("msacct", "-X", "-n", "-P", "-j", number, "-o", "JobID,State,ExitCode").split()
    assert sorted(shown) == [f"{number}_0|COMPLETED|0:0", f"{number}_2|FAILED|2:0", f"{number}_4|FAILED|4:0"]
    after = submitted(user.run("msbatch", "-M", "pbs", "-d", f"afternotok:{number}", "--wrap", "true"))
    assert ended(user, after) == "COMPLETED"
    assert user.try_("msbatch", "-M", "pbs", "-d", f"afterok:{number}", "--wrap", "true").returncode == 1


def test_a_job_waits_for_an_array(pbs: Pbs) -> None:
    user = pbs.user
    number = submitted(user.run("msbatch", "-M", "pbs", "-H", "-a", "1-2", "--wrap", "true"))
    after = submitted(user.run("msbatch", "-M", "pbs", "-d", f"afterok:{number}", "--wrap", "true"))
    assert user.run("msqueue", "-h", "-j", after, "-o", "%r") == "Dependency\n"
    user.run("mscontrol", "release", number)
    assert ended(user, after) == "COMPLETED"


def test_a_job_that_waits_for_an_array_runs_or_not_by_how_its_tasks_ended(pbs: Pbs) -> None:
    user = pbs.user
    number = submitted(
        user.run("msbatch", "-M", "pbs", "-H", "-a", "1-3", "--wrap", "exit $((SLURM_ARRAY_TASK_ID == 2))")
    )
    well, badly = (
        submitted(user.run("msbatch", "-M", "pbs", "-d", f"{kind}:{number}", "-o", kind, "--wrap", "echo ran"))
        for kind in ("afterok", "afternotok")
    )
    after = submitted(user.run("msbatch", "-M", "pbs", "-d", f"afterok:{well}", "-o", "after", "--wrap", "echo ran"))
    user.run("mscontrol", "release", number)
    assert ended(user, badly) == "COMPLETED"
    assert ended(user, well).startswith("CANCELLED")
    assert ended(user, after).startswith("CANCELLED")
    assert (user.home / "afternotok").read_text() == "ran\n"
    assert not (user.home / "afterok").exists()
    assert not (user.home / "after").exists()


def test_what_slurm_says_of_files_and_programs_that_are_not_there_is_said_of_a_job_on_pbs(pbs: Pbs) -> None:
    user = pbs.user
    user.write("odd.sh", "#!/no/such/shell\n")
    numbers = [
        submitted(user.run("msbatch", "-M", "pbs", *words))
        for words in (("-o", "nosuch/out", "--wrap", "true"), ("-o", "odd.out", "odd.sh"))
    ]
    for number in numbers:
        assert ended(user, number) == "FAILED"
    codes = user.run("msacct", "-X", "-n", "-P", "-j", ",".join(numbers), "-o", "ExitCode").split()
    assert codes == ["0:53", "2:0"]
    complaint = "slurmstepd-pbsn1: error: execve(): bad interpreter(/no/such/shell): No such file or directory\n"
    assert (user.home / "odd.out").read_text() == complaint


def test_a_job_on_another_node_than_the_server_has_nothing_to_copy_at_its_end(pbs: Pbs) -> None:
    number = submitted(pbs.user.run("msbatch", "-M", "pbs", "-w", "pbsn2", "--wrap", "true"))
    assert ended(pbs.user, number) == "COMPLETED"
    job = jobs(pbs)[number]
    assert [job[f"{name}_Path"] for name in ("Output", "Error")] == ["localhost:/dev/null"] * 2


def test_a_pbs_script_passes_through_untouched(pbs: Pbs) -> None:
    pbs.user.write("job.pbs", "#!/bin/bash\n#PBS -N theirs -l select=1:ncpus=3 -v A=1\necho $A\nexit 5\n")
    number = submitted(pbs.user.run("msbatch", "-M", "pbs", "job.pbs"))
    assert ended(pbs.user, number) == "FAILED"
    assert (pbs.user.home / f"theirs.o{number}").read_text() == "1\n"
    assert jobs(pbs)[number]["Resource_List.select"] == "1:ncpus=3"
    assert pbs.user.run("msacct", "-X", "-n", "-P", "-j", number, "-o", "ExitCode") == "5:0\n"


def test_a_qsub_that_stays_ends_as_its_job_does_and_the_job_is_known(pbs: Pbs) -> None:
    pbs.user.write("job.pbs", "#!/bin/bash\n#PBS -N theirs\n#PBS -W block=true\nexit 6\n")
    done = pbs.user.try_("msbatch", "-M", "pbs", "job.pbs")
    assert (done.returncode, done.stderr) == (6, "")
    number = submitted(done.stdout)
    assert ended(pbs.user, number) == "FAILED"
    assert list(jobs(pbs)) == [number]


def test_nodes_and_queues_are_shown_as_sinfo_and_scontrol_show_them(pbs: Pbs) -> None:
    user = pbs.user
    words = ("-M", "pbs", "-h", "-p", "workq")
    assert user.run("msinfo", *words, "-o", "%P %a %l %D %t %N") == "workq* up infinite 3 idle pbsn[1-3]\n"
    number = submitted(user.run("msbatch", "-M", "pbs", "-n", "1", "-c", "3", "--wrap", "sleep 600"))
    wait_until(lambda: state_of(user, number) == "RUNNING", "it runs")
    assert user.run("msinfo", *words, "-N", "-o", "%N %t %C %m") == (
        "pbsn1 mix 3/1/0/4 8192\npbsn2 idle 0/4/0/4 8192\npbsn3 idle 0/4/0/4 8192\n"
    )
    shown = user.run("mscontrol", "-M", "pbs", "-o", "show", "node", "pbsn1")
    assert shown.startswith("NodeName=pbsn1 Arch=linux ")
    assert " CPUAlloc=3 " in shown
    assert "State=MIXED " in shown
    assert "Gres=gpu:2 " in shown
    shown = user.run("mscontrol", "-M", "pbs", "-o", "show", "partition", "gpu")
    assert shown.startswith("PartitionName=gpu ")
    assert " Nodes=pbsn[1-3] " in shown
    assert "workq" not in user.run("mscontrol", "-M", "pbs", "show", "partition", "gpu")
    assert f"JobId={number} " in user.run("mscontrol", "-M", "pbs", "show", "jobs")
    assert user.run("mscontrol", "-M", "pbs", "show", "hostnames", "n[1-2]") == "n1\nn2\n"


def test_jobs_are_cancelled_by_what_they_are(pbs: Pbs) -> None:
    user = pbs.user
    first, other = (
        submitted(user.run("msbatch", "-M", "pbs", "-H", "-J", name, "-p", queue, "--wrap", "true"))
        for name, queue in (("one", "workq"), ("two", "gpu"))
    )
    user.run("mscancel", "-M", "pbs", "-n", "one", "-t", "PENDING")
    assert {name: job["job_state"] for name, job in jobs(pbs).items()} == {first: "F", other: "H"}
    user.run("mscancel", "-M", "pbs", "-p", "gpu", "--me")
    assert states(pbs) == {"F"}


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--qos=high",), "--qos cannot be passed to pbs, which has nothing like it"),
        (("-C", "ib"), "--constraint cannot be passed to pbs, which has nothing like it"),
        (("-a", "1,3,7"), "--array=1,3,7 cannot be passed to pbs: PBS takes one range"),
        (("-d", "expand:5"), "--dependency=expand:5 cannot be passed to pbs, which has nothing like it"),
        (("--gres=gpu:a100:2",), "gpu:a100:2 cannot be passed to pbs, whose GPUs have no types"),
        (("-d", "afterok:999"), "Batch job submission failed: Job dependency problem: there is no job 999"),
    ],
    ids=str,
)
def test_what_cannot_be_translated_is_refused_by_name(pbs: Pbs, words: tuple[str, ...], complaint: str) -> None:
    refused = pbs.user.try_("msbatch", "-M", "pbs", *words, "--wrap", "true")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.splitlines()[0] == f"msbatch: error: {complaint}"
    assert jobs(pbs) == {}


def test_srun_and_salloc_are_not_to_be_had_of_a_pbs(pbs: Pbs) -> None:
    for command in ("msrun", "msalloc"):
        refused = pbs.user.try_(command, "-M", "pbs", "true")
        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr.startswith(f"{command}: error: {command} is not to be had on cluster pbs")


def test_what_pbs_refuses_it_refuses_in_its_own_words(pbs: Pbs) -> None:
    refused = pbs.user.try_("msbatch", "-M", "pbs", "-p", "nosuch", "--wrap", "true")
    assert (refused.returncode, refused.stdout, refused.stderr) == (170, "", "qsub: Unknown queue\n")


def test_a_dependency_waits_and_what_is_met_already_is_left_out(pbs: Pbs) -> None:
    user = pbs.user
    first = submitted(user.run("msbatch", "-M", "pbs", "-H", "--wrap", "true"))
    second = submitted(user.run("msbatch", "-M", "pbs", "-d", f"afterok:{first}", "--wrap", "true"))
    assert user.run("msqueue", "-h", "-j", second, "-o", "%T %r") == "PENDING Dependency\n"
    user.run("mscontrol", "release", first)
    assert ended(user, second) == "COMPLETED"
    third = submitted(user.run("msbatch", "-M", "pbs", "-d", f"afterok:{first}", "--wrap", "true"))
    assert ended(user, third) == "COMPLETED"
    assert user.try_("msbatch", "-M", "pbs", "-d", f"afternotok:{first}", "--wrap", "true").returncode == 1


def test_an_answer_that_was_lost_is_found_by_its_tag(pbs: Pbs) -> None:
    fake(pbs, "qsub", '{real} "$@" > /dev/null\n')
    number = submitted(pbs.user.run("msbatch", "-M", "pbs", "-H", "--wrap", "true"))
    assert list(jobs(pbs)) == [number]


def test_an_answer_without_a_job_is_a_failure_whatever_its_exit_status_is(pbs: Pbs) -> None:
    fake(pbs, "qsub", "echo odd >&2\n")
    done = pbs.user.try_("msbatch", "-M", "pbs", "--wrap", "true")
    complaint = "msbatch: error: cluster pbs named no job, and knows of none: nothing was submitted"
    assert (done.returncode, done.stdout, done.stderr.splitlines()) == (1, "", ["odd", complaint])


def test_a_job_that_could_not_be_cancelled_ends_by_itself(pbs: Pbs) -> None:
    user = pbs.user
    number = submitted(user.run("msbatch", "-M", "pbs", "-H", "--wrap", "true"))
    fake(pbs, "qdel", "echo 'Connection refused' >&2\nexit 162\n")
    refused = user.try_("mscancel", number)
    assert (refused.returncode, refused.stderr) == (162, "Connection refused\n")
    look = "import sqlite3; db = sqlite3.connect('state/state.sqlite3')\n"
    look += "print(*db.execute('SELECT cancelled_by, state FROM foreign_job').fetchone())"
    assert user.run("python3", "-c", look) == "None PENDING\n"


def test_questions_that_fail_change_no_job(pbs: Pbs) -> None:
    number = submitted(pbs.user.run("msbatch", "-M", "pbs", "-H", "--wrap", "true"))
    fake(pbs, "qstat", "echo 'qstat: cannot connect to server pbsn1 (errno=15010)' >&2\nexit 255\n")
    for _ in range(3):
        assert pbs.user.run("msqueue", "-h", "-j", number, "-o", "%T %r") == "PENDING JobHeldUser\n"
    refused = pbs.user.try_("mscancel", "-M", "pbs", "99")
    complaint = "mscancel: error: qstat: cannot connect to server pbsn1 (errno=15010)\n"
    assert (refused.returncode, refused.stderr) == (1, complaint)


def test_without_a_fleet_file_the_pbs_on_path_is_used(user: User) -> None:
    pbs = pbs_systems.make(user)
    user.path.insert(0, str(pbs.bin))
    user.variables["STAND_IN_PBS"] = pbs.state
    number = submitted(user.run("msbatch", "-H", "--wrap", "true"))
    assert user.run("msqueue", "-h", "-j", number, "-O", "cluster").strip() == "pbs"
    user.run("mscancel", number)
    pbs.close()


@pytest.mark.parametrize("command", ["msqueue", "msinfo"])
def test_a_place_that_does_not_answer_hides_no_other(pbs: Pbs, command: str) -> None:
    fleet = (pbs.user.home / "fleet.toml").read_text()
    dead = '[clusters.dead]\ntype = "slurm"\nfolder = "/opt/no-slurm"\n'
    pbs.user.fleet(fleet.replace("[clusters.pbs]", f"{dead}[clusters.pbs]"))
    done = pbs.user.try_(command, "-M", "all")
    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if line.startswith("CLUSTER")][1:] == [
        "CLUSTER: dead", "CLUSTER: pbs"
    ]  # fmt: skip
    assert len(done.stdout.partition("CLUSTER: pbs\n")[2].splitlines()) >= 1
    assert done.stderr.startswith(f"{command}: error: cluster dead: there is no ")


def test_a_job_that_one_place_does_not_know_is_looked_for_in_the_next(pbs: Pbs) -> None:
    user = pbs.user
    number = submitted(user.run("msbatch", "-M", "pbs", "-H", "--wrap", "true"))
    done = user.try_("msqueue", "-M", "all", "-j", number, "-o", "%i %T")
    place = done.stdout.splitlines()[0]
    assert place.startswith("CLUSTER: ")
    assert done.stdout == f"{place}\n\nCLUSTER: pbs\nJOBID STATE\n{number} PENDING\n"
    assert (done.returncode, done.stderr) == (1, "slurm_load_jobs error: Invalid job id specified\n")


def test_lines_of_several_places_without_heads_begin_with_the_place(pbs: Pbs) -> None:
    user = pbs.user
    number = submitted(user.run("msbatch", "-M", "pbs", "-H", "-J", "held", "--wrap", "true"))
    (line,) = user.run("msqueue", "-M", "all", "-h").splitlines()
    assert line.split()[:4] == ["pbs", number, "workq", "held"]
    assert line.startswith("pbs        ")
    assert user.run("msqueue", "-M", "all", "-h", "-o", "%i") == f"{number}\n"
    assert user.run("msqueue", "-M", "pbs", "-h").split()[0] == number
    assert "\npbs     workq*" in "\n" + user.run("msinfo", "-M", "all", "-h")
    assert user.run("msinfo", "-M", "all", "-h", "-o", "%P").splitlines()[-1] == "gpu"
