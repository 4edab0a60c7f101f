"""Jobs on a real Slurm, submitted and followed by an ordinary user."""

from __future__ import annotations

import json
import re
import resource
import select
import sqlite3
import subprocess
import time

import pytest

from tests.clusters.conftest import FLEET, User
from tests.clusters.real_slurm import Slurm
from tests.waiting import wait_until

SCRIPT = "#!/bin/bash\n#SBATCH --job-name=probe\n#SBATCH --ntasks=2\n"


def submitted(answer: str) -> str:
    found = re.fullmatch(r"Submitted batch job (\d+)\n", answer)
    assert found, answer
    return found[1]


def state_of(user: User, number: str) -> str:
    return user.run("msacct", "-X", "-n", "-P", "-j", number, "-o", "State").strip()


def ended(user: User, number: str) -> str:
    def over() -> str:
        state = state_of(user, number)
        return state if state not in ("PENDING", "RUNNING") else ""

    return wait_until(over, f"job {number} ends", seconds=30)


def test_a_partition_of_the_cluster_leads_there(with_slurm: User, slurm: Slurm) -> None:
    with_slurm.write("job.sh", SCRIPT + "hostname; exit 3\n")
    number = submitted(with_slurm.run("msbatch", "-p", "batch", "job.sh", "a b", "c"))
    assert slurm.run("squeue", "-h", "-j", number, "-o", "%P %j %u %C") == f"batch probe {with_slurm.login} 2\n"
    assert ended(with_slurm, number) == "FAILED"
    assert with_slurm.run("msacct", "-X", "-n", "-P", "-j", number, "-o", "JobName,ExitCode,Partition,Cluster") == (
        "probe|3:0|batch|big\n"
    )


def test_a_job_without_that_partition_stays_in_the_fleet(with_slurm: User) -> None:
    number = submitted(with_slurm.run("msbatch", "--wrap", "true"))
    assert with_slurm.run("msqueue", "-h", "-M", "lab", "-t", "all", "-O", "jobid,cluster").split() == [number, "lab"]


def test_script_arguments_and_output_are_those_of_sbatch(with_slurm: User) -> None:
    with_slurm.write("job.sh", '#!/bin/bash\nprintf "%s\\n" "$0" "$@" "$SLURM_JOB_NAME"\n')
    number = submitted(with_slurm.run("msbatch", "-M", "big", "-o", "out-%j.txt", "job.sh", "a b", "--wait", "*"))
    assert ended(with_slurm, number) == "COMPLETED"
    output = (with_slurm.home / f"out-{number}.txt").read_text().splitlines()
    assert output[1:] == ["a b", "--wait", "*", "job.sh"]


def test_a_script_may_come_from_standard_input(with_slurm: User, slurm: Slurm) -> None:
    number = submitted(with_slurm.run("msbatch", "-M", "big", stdin=SCRIPT + "cat > in.txt <<< hello\n"))
    assert slurm.run("squeue", "-h", "-j", number, "-t", "all", "-o", "%j") == "probe\n"
    assert ended(with_slurm, number) == "COMPLETED"


def test_a_directive_may_name_the_cluster(with_slurm: User) -> None:
    with_slurm.write("job.sh", "#!/bin/bash\n#SBATCH -M big\n#SBATCH --clusters=big -J directed\ntrue\n")
    number = submitted(with_slurm.run("msbatch", "job.sh"))
    assert with_slurm.run("msqueue", "-h", "-t", "all", "-j", number, "-O", "cluster,name").split() == [
        "big",
        "directed",
    ]


@pytest.mark.parametrize("variables", [{"SBATCH_CLUSTERS": "big"}, {"MINI_SLURM_CLUSTER": "big"}], ids=str)
def test_a_variable_may_name_the_cluster(with_slurm: User, slurm: Slurm, variables: dict[str, str]) -> None:
    number = submitted(with_slurm.run("msbatch", "--wrap", "true", **variables))
    assert slurm.run("squeue", "-h", "-t", "all", "-j", number, "-o", "%j") == "wrap\n"


@pytest.mark.parametrize(
    "words",
    [
        ("-p", "nowhere", "--wrap", "true"),
        ("--no-such-option", "5", "--wrap", "true"),
        ("-N", "0-x", "--wrap", "true"),
        ("--mem=1T", "--wrap", "true"),
        ("-t", "soon", "--wrap", "true"),
        ("no-such-script.sh",),
        ("-d", "after", "--wrap", "true"),
    ],
    ids=str,
)
def test_what_slurm_refuses_it_refuses_in_its_own_words(with_slurm: User, slurm: Slurm, words: tuple[str, ...]) -> None:
    ours = with_slurm.try_("msbatch", "-M", "big", *words)
    theirs = with_slurm.try_("sbatch", *words, SLURM_CONF=str(slurm.configuration))
    assert theirs.returncode != 0
    assert (ours.returncode, ours.stdout, ours.stderr) == (theirs.returncode, theirs.stdout, theirs.stderr)


def test_options_that_we_do_not_know_pass_through(with_slurm: User, slurm: Slurm) -> None:
    number = submitted(with_slurm.run("msbatch", "-M", "big", "-H", "--mcs-label=", "--nice=7", "--wrap", "true"))
    assert "Nice=7" in slurm.run("scontrol", "show", "job", number)


def test_the_users_comment_is_kept_and_the_tag_is_not_shown(with_slurm: User) -> None:
    number = submitted(with_slurm.run("msbatch", "-M", "big", "-H", "--comment=second try", "--wrap", "true"))
    assert with_slurm.run("msqueue", "-h", "-j", number, "-o", "%k") == "second try\n"
    other = submitted(with_slurm.run("msbatch", "-M", "big", "-H", "--wrap", "true"))
    assert with_slurm.run("msqueue", "-h", "-j", other, "-o", "%k") == "(null)\n"


def test_an_array_is_shown_as_squeue_shows_it(with_slurm: User, slurm: Slurm) -> None:
    number = submitted(with_slurm.run("msbatch", "-M", "big", "-H", "-a", "1-9:2%2", "--wrap", "true"))
    form = "%i|%F|%K|%T|%r|%j|%D|%C|%l"
    real = slurm.run("squeue", "-h", "-j", number, "-o", form)
    assert with_slurm.run("msqueue", "-h", "-j", number, "-o", form) == real
    with_slurm.run("mscontrol", "release", number)
    assert with_slurm.run("msbatch", "-M", "big", "--wait", "--parsable", "--wrap", "true").strip().isdecimal()
    wait_until(lambda: set(state_of(with_slurm, number).split()) == {"COMPLETED"}, "the tasks end", seconds=30)
    shown = with_slurm.run("msacct", "-X", "-n", "-P", "-j", number, "-o", "JobID").split()
    assert sorted(shown) == [f"{number}_{task}" for task in (1, 3, 5, 7, 9)]


def test_msqueue_shows_what_squeue_shows(with_slurm: User, slurm: Slurm) -> None:
    for words in (("-H",), ("-b", "now+1hour"), ("-d", "afterok:1", "-n", "3", "-t", "10"), ("--mem=500",)):
        with_slurm.run("msbatch", "-M", "big", *words, "--wrap", "sleep 600")
    wait_until(lambda: len(slurm.run("squeue", "-h", "-t", "R", "-o", "%i").split()) == 2, "two run")
    form = "%i %P %j %u %t %D %R %Q %C %m %l %Z %V %a %E %f %y %F %K"
    real = slurm.run("squeue", "-h", "-o", form)
    assert sorted(with_slurm.run("msqueue", "-h", "-M", "big", "-o", form).splitlines()) == sorted(real.splitlines())
    with_slurm.run("mscancel", "-M", "big", "--me")


def test_documents_tell_of_the_jobs_and_nodes_of_a_cluster(with_slurm: User, slurm: Slurm) -> None:
    number = submitted(with_slurm.run("msbatch", "-M", "big", "-H", "-J", "told", "--wrap", "true"))
    for words in ((), ("-M", "big")):
        jobs = json.loads(with_slurm.run("msqueue", "--json", *words))["jobs"]
        mine = [(job["name"], job["job_state"], job["cluster"]) for job in jobs if job["job_id"] == int(number)]
        assert mine == [("told", "PENDING", "big")]
    nodes = json.loads(with_slurm.run("msinfo", "--json", "-M", "big"))["nodes"]
    assert [node["name"] for node in nodes] == ["sl1", "sl2"]
    with_slurm.run("mscancel", number)


def test_steps_and_nodes_of_a_cluster_are_known(with_slurm: User, slurm: Slurm) -> None:
    number = submitted(with_slurm.run("msbatch", "-M", "big", "-w", "sl2", "-n", "1", "--wrap", "srun sleep 600"))
    wait_until(lambda: f"{number}.0" in slurm.run("squeue", "-s", "-h", "-j", number, "-o", "%i"), "the step runs")
    words = ("-h", "-M", "big", "-j", number)
    assert {*with_slurm.run("msqueue", "-s", *words, "-o", "%i").split()} == {f"{number}.0", f"{number}.batch"}
    assert with_slurm.run("msqueue", "-w", "sl2", *words, "-o", "%i") == f"{number}\n"
    assert with_slurm.run("msqueue", "-w", "sl1", *words, "-o", "%i") == ""
    with_slurm.run("mscancel", number)


def test_a_number_alone_finds_its_job_wherever_it_is(with_slurm: User, slurm: Slurm) -> None:
    number = submitted(with_slurm.run("msbatch", "-M", "big", "-H", "--wrap", "true"))
    assert "JobState=PENDING" in with_slurm.run("mscontrol", "show", "job", number)
    with_slurm.run("mscontrol", "update", f"JobId={number}", "TimeLimit=5")
    assert slurm.run("squeue", "-h", "-j", number, "-o", "%l") == "5:00\n"
    with_slurm.run("mscancel", number)
    assert ended(with_slurm, number) == f"CANCELLED by {with_slurm.home.stat().st_uid}"


def test_a_running_job_is_cancelled(with_slurm: User) -> None:
    number = submitted(with_slurm.run("msbatch", "-p", "batch", "--wrap", "sleep 600"))
    wait_until(lambda: state_of(with_slurm, number) == "RUNNING", "it runs")
    with_slurm.run("mscancel", number)
    assert ended(with_slurm, number).startswith("CANCELLED")


def test_one_number_in_two_places_is_not_guessed(with_slurm: User, slurm: Slurm) -> None:
    number = int(submitted(with_slurm.run("msbatch", "-M", "big", "-H", "--wrap", "true")))
    with sqlite3.connect(with_slurm.home / "state" / "state.sqlite3") as db:
        db.execute("UPDATE setting SET value = ? WHERE key = 'next_job_id'", (str(number),))
    assert submitted(with_slurm.run("msbatch", "-H", "--wrap", "true")) == str(number)
    refused = with_slurm.try_("mscancel", str(number))
    assert refused.returncode == 1
    assert f"there is more than one job {number}: on big and in the fleet" in refused.stderr
    with_slurm.run("mscancel", "-M", "lab", str(number))
    assert slurm.run("squeue", "-h", "-j", str(number), "-o", "%T") == "PENDING\n"
    with_slurm.run("mscancel", "-M", "big", str(number))
    assert slurm.run("squeue", "-h", "-o", "%i").split().count(str(number)) == 0


def test_all_places_are_listed_in_one_form(with_slurm: User) -> None:
    far = submitted(with_slurm.run("msbatch", "-M", "big", "-H", "--wrap", "true"))
    near = submitted(with_slurm.run("msbatch", "-H", "--wrap", "true"))
    lines = with_slurm.run("msqueue", "-M", "all", "--me", "-o", "%i %T").splitlines()
    assert lines[:3] == ["CLUSTER: lab", "JOBID STATE", f"{near} PENDING"]
    assert lines[3:6] == ["", "CLUSTER: big", "JOBID STATE"]
    assert f"{far} PENDING" in lines[6:]
    assert {*with_slurm.run("msqueue", "-h", "-o", "%i").split()} == {near, far}


def test_msinfo_shows_the_nodes_of_all_places(with_slurm: User, slurm: Slurm) -> None:
    real = slurm.run("sinfo", "-p", "batch", "-o", "%P %D %t")
    shown = with_slurm.run("msinfo", "-M", "all", "-o", "%P %D %t")
    assert shown == f"CLUSTER: lab\nPARTITION NODES STATE\nmine* 1 idle\n\nCLUSTER: big\n{real}"


def test_wait_exits_as_the_job_does(with_slurm: User) -> None:
    done = with_slurm.try_("msbatch", "-M", "big", "--wait", "--wrap", "exit 7")
    assert done.returncode == 7
    submitted(done.stdout)


def test_a_script_that_has_sbatch_wait_is_waited_for_here(with_slurm: User, slurm: Slurm) -> None:
    with_slurm.write("job.sh", "#!/bin/bash\n#SBATCH -H --wait -J waiting\nexit 7\n")
    command = with_slurm.command("msbatch", "-M", "big", "job.sh")
    waiting = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=with_slurm.home)
    try:
        assert waiting.stdout is not None
        ready, _, _ = select.select([waiting.stdout], [], [], 60)
        assert ready, "sbatch stays until the job is over"
        number = submitted(waiting.stdout.readline().decode())
        assert slurm.run("squeue", "-h", "-j", number, "-o", "%T %j") == "PENDING waiting\n"
        with_slurm.run("mscontrol", "release", number)
        assert waiting.wait(60) == 7
    finally:
        waiting.kill()
        waiting.communicate()


def test_a_job_is_known_when_slurm_has_forgotten_it(with_slurm: User, slurm: Slurm) -> None:
    number = submitted(with_slurm.run("msbatch", "-M", "big", "-J", "kept", "--wrap", "exit 5"))
    assert ended(with_slurm, number) == "FAILED"
    slurm.stop_controller()
    slurm.start_controller("-c")
    assert slurm.run("squeue", "-h", "-t", "all") == ""
    shown = with_slurm.run("msacct", "-X", "-n", "-P", "-j", number, "-o", "JobName,State,ExitCode")
    assert shown == "kept|FAILED|5:0\n"
    assert "JobState=FAILED" in with_slurm.run("mscontrol", "show", "job", number)


def test_an_end_is_seen_although_nobody_asks(with_slurm: User) -> None:
    number = submitted(with_slurm.run("msbatch", "-M", "big", "--wrap", "exit 4"))

    look = (
        "import sqlite3; db = sqlite3.connect('state/state.sqlite3')\n"
        f"print(*db.execute('SELECT state, exit_code FROM foreign_job WHERE job_id = {number}').fetchone())"
    )
    log = with_slurm.home / "state" / "controller.log"
    wait_until(
        lambda: with_slurm.run("python3", "-c", look) == "FAILED 4\n", "the controller asks", seconds=60, logs=[log]
    )


# --- exactly once, and states


def fake(user: User, command: str, text: str) -> None:
    """A script of this name before the real one on PATH; {real} is where that is."""
    folder = user.home / "before"
    user.write(f"before/{command}", "#!/bin/bash\n" + text.format(real=f"/usr/bin/{command}", home=user.home), 0o755)
    user.path.insert(0, str(folder))


def test_an_answer_that_was_lost_is_found_again(with_slurm: User, slurm: Slurm) -> None:
    fake(with_slurm, "sbatch", '{real} "$@" > /dev/null\nkill -9 $$\n')
    number = submitted(with_slurm.run("msbatch", "-M", "big", "-H", "-J", "once", "--wrap", "true"))
    assert slurm.run("squeue", "-h", "-n", "once", "-o", "%i").split() == [number]


def test_a_socket_that_timed_out_after_the_submission_is_no_failure(with_slurm: User, slurm: Slurm) -> None:
    fake(
        with_slurm,
        "sbatch",
        '{real} "$@" > /dev/null\necho "sbatch: error: Batch job submission failed: '
        'Socket timed out on send/recv operation" >&2\nexit 1\n',
    )
    done = with_slurm.try_("msbatch", "-M", "big", "-H", "-a", "1-3", "-J", "late", "--wrap", "true")
    assert (done.returncode, done.stderr) == (0, "")
    number = submitted(done.stdout)
    assert slurm.run("squeue", "-h", "-n", "late", "-o", "%F").split() == [number]


def test_a_submission_that_never_arrived_says_what_slurm_said(with_slurm: User, slurm: Slurm) -> None:
    complaint = "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation"
    fake(with_slurm, "sbatch", f"echo '{complaint}' >&2\nexit 1\n")
    done = with_slurm.try_("msbatch", "-M", "big", "-J", "never", "--wrap", "true")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", complaint + "\n")
    assert slurm.run("squeue", "-h", "-n", "never") == ""


def test_a_command_that_was_killed_after_the_submission_leaves_no_stranger(with_slurm: User, slurm: Slurm) -> None:
    fake(with_slurm, "sbatch", '{real} "$@" > {home}/answer\nkill -9 $PPID\n')
    with_slurm.try_("msbatch", "-M", "big", "-H", "-J", "orphan", "--wrap", "true")
    number = submitted((with_slurm.home / "answer").read_text())
    assert with_slurm.run("msqueue", "-h", "-o", "%i %j") == f"{number} orphan\n"


def test_questions_that_fail_change_no_job(with_slurm: User, slurm: Slurm) -> None:
    number = submitted(with_slurm.run("msbatch", "-M", "big", "--wrap", "sleep 600"))
    wait_until(lambda: state_of(with_slurm, number) == "RUNNING", "it runs")
    slurm.stop_controller()
    try:
        end = time.monotonic() + 8
        while time.monotonic() < end:
            assert with_slurm.run("msqueue", "-h", "-j", number, "-o", "%T") == "RUNNING\n"
    finally:
        slurm.start_controller()
    with_slurm.run("mscancel", number)
    assert ended(with_slurm, number).startswith("CANCELLED")


def test_an_answer_that_is_cut_short_changes_no_job(with_slurm: User) -> None:
    number = submitted(with_slurm.run("msbatch", "-M", "big", "-H", "--wrap", "true"))
    fake(with_slurm, "squeue", "exit 1\n")
    for _ in range(3):
        assert with_slurm.run("msqueue", "-h", "-j", number, "-o", "%T") == "PENDING\n"


def test_however_many_ask_slurm_is_asked_twice_in_five_seconds(with_slurm: User) -> None:
    numbers = [submitted(with_slurm.run("msbatch", "-M", "big", "-H", "--wrap", "true")) for _ in range(3)]
    for command in ("squeue", "sacct"):
        fake(with_slurm, command, 'date +%s.%N >> {home}/calls\nexec {real} "$@"\n')
    end = time.monotonic() + 12
    looks = 0
    while time.monotonic() < end:
        for number in numbers:
            assert with_slurm.run("msqueue", "-h", "-j", number, "-o", "%T") == "PENDING\n"
            assert state_of(with_slurm, number) == "PENDING"
            looks += 2
    moments = [float(line) for line in (with_slurm.home / "calls").read_text().split()]
    assert looks > 12
    assert all(later - first > 4.9 for first, later in zip(moments, moments[2:], strict=False))
    with_slurm.run("mscancel", *numbers)


def test_passing_through_costs_little(with_slurm: User, slurm: Slurm) -> None:
    def median(words: list[str], **variables: str) -> float:
        """Processor time: others may keep this machine busy."""
        times = []
        for _ in range(7):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            with_slurm.run(*words, "-H", "--wrap", "true", **variables)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        return sorted(times)[3]

    ours = median(["msbatch", "-M", "big"])
    theirs = median(["sbatch"], SLURM_CONF=str(slurm.configuration))
    with_slurm.run("mscancel", "-M", "big", "--me")
    assert ours - theirs < 0.15  # 60 ms on a machine with nothing else to do


def test_the_store_holds_scripts_of_jobs_elsewhere(with_slurm: User) -> None:
    with_slurm.write("job.sh", SCRIPT + "true\n")
    number = submitted(with_slurm.run("msbatch", "-M", "big", "job.sh"))
    assert SCRIPT in with_slurm.run("msacct", "-B", "-j", number)


# --- finding it without configuration


def test_without_a_fleet_file_the_real_slurm_on_path_is_used(user: User, slurm: Slurm) -> None:
    user.variables["SLURM_CONF"] = str(slurm.configuration)
    number = submitted(user.run("msbatch", "-H", "--wrap", "true"))
    assert user.run("msqueue", "-h", "-j", number, "-O", "cluster").strip() == "slurm"
    assert user.run("msinfo", "-h", "-o", "%P").split() == ["batch*", "short"]
    user.run("mscancel", number)


def test_shims_that_come_first_lead_to_the_real_slurm_and_not_to_themselves(user: User, slurm: Slurm) -> None:
    user.variables["SLURM_CONF"] = str(slurm.configuration)
    user.path.insert(0, str(user.install.shims))
    number = submitted(user.run("sbatch", "-H", "--wrap", "true"))
    assert slurm.run("squeue", "-h", "-j", number, "-o", "%T") == "PENDING\n"
    assert f"JobId={number} " in user.run("scontrol", "show", "job", number)
    user.run("scancel", number)
    assert number not in user.run("squeue", "-h", "--me", "-o", "%i").split()


@pytest.mark.parametrize("command", ["srun", "salloc"])
def test_shims_of_commands_that_stay_become_the_real_ones(user: User, slurm: Slurm, command: str) -> None:
    user.variables["SLURM_CONF"] = str(slurm.configuration)
    user.path.insert(0, str(user.install.shims))
    words = (command, "-n", "1", "-J", "front", "bash", "-c", 'echo $SLURM_JOB_NAME "$@"; exit 7', "-n", "-M", "x")
    done = user.try_(*words)
    assert (done.returncode, done.stdout) == (7, "front -M x\n"), done.stderr


@pytest.mark.parametrize(
    "words",
    [("sprio",), ("sacctmgr", "-n", "show", "cluster"), ("sshare", "-a"), ("sreport", "cluster", "utilization")],
    ids=lambda words: words[0],
)
def test_commands_that_know_the_fleet_alone_become_those_of_the_real_slurm(
    user: User, slurm: Slurm, words: tuple[str, ...]
) -> None:
    user.variables["SLURM_CONF"] = str(slurm.configuration)
    theirs = user.try_(*words)
    user.path.insert(0, str(user.install.shims))
    found = [user.try_(*words)]
    user.variables.pop("SLURM_CONF")
    user.fleet(FLEET.format(configuration=slurm.configuration))
    found.append(user.try_(*words, MINI_SLURM_CLUSTER="big"))
    for ours in found:
        assert (ours.returncode, ours.stdout, ours.stderr) == (theirs.returncode, theirs.stdout, theirs.stderr)
    fleets = user.try_(*words)
    assert (fleets.returncode, fleets.stdout, fleets.stderr) != (theirs.returncode, theirs.stdout, theirs.stderr)


def test_the_options_say_whose_machines_srun_gets(with_slurm: User) -> None:
    for words in (("-p", "batch"), ("-M", "big"), ("-M", "lab")):
        shown = with_slurm.run("msrun", *words, "printenv", "SLURM_CLUSTER_NAME")
        assert shown == ("lab\n" if "lab" in words else "real\n")


def test_a_job_of_the_real_slurm_does_not_find_the_shims(user: User, slurm: Slurm) -> None:
    user.variables["SLURM_CONF"] = str(slurm.configuration)
    user.path.insert(0, str(user.install.shims))
    number = submitted(user.run("sbatch", "-o", "out", "--wrap", "command -v srun; srun echo hello"))
    wait_until(lambda: user.run("sacct", "-X", "-n", "-j", number, "-o", "State").split() == ["COMPLETED"], seconds=30)
    assert (user.home / "out").read_text() == "/usr/bin/srun\nhello\n"


def test_a_place_that_there_is_not_is_refused(with_slurm: User) -> None:
    refused = with_slurm.try_("msqueue", "-M", "nowhere")
    assert refused.returncode == 1
    assert "No cluster 'nowhere' known by database." in refused.stderr


@pytest.mark.parametrize("words", [("msbatch", "--wrap", "true"), ("msrun", "true"), ("msalloc", "true"), ("msqueue",)])
def test_a_variable_that_names_no_place_leads_nowhere(user: User, words: tuple[str, ...]) -> None:
    refused = user.try_(*words, MINI_SLURM_CLUSTER="nowhere")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "No cluster 'nowhere' known by database." in refused.stderr
