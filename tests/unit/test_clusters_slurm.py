"""What a real Slurm 22.05 printed, read into jobs; and what follows for the jobs that we know."""

from __future__ import annotations

import pytest

from mini_slurm.clusters import slurm_records as records
from mini_slurm.clusters.base import Answer, Order, Script, Unanswered
from mini_slurm.clusters.slurm import Slurm
from mini_slurm.clusters.states import LOST, SETTLE, Known
from mini_slurm.model.cluster_entry import ClusterEntry
from mini_slurm.model.foreign import ForeignJob
from mini_slurm.model.states import JobState

ENTRY = ClusterEntry("big", "slurm", options=("--account=lab",))
NOW = 1795360300.0
# squeue --Format as Slurm.states asks for it, with bars for the separators
QUEUE = """\
2|2|3-5%2|1001|alice|1001|alice|a,b c|main|(null)|(null)|one two mini_slurm:abcd.12|1|2|2|1|100M|\
cpu=2,mem=100M,node=1,billing=2|N/A|(null)||UNLIMITED|(null)|0|(null)|(null)|/home/alice|/dev/null|\
/home/alice/slurm-2.out|/home/alice/slurm-2.out|(null)|PENDING|JobArrayTaskLimit|4294901758|1795360215|N/A|N/A|N/A||\
n/a|0|0|1
3|2|1|1001|alice|1001|alice|a,b c|main|(null)|(null)|one two mini_slurm:abcd.12|2|2|2|1|100M|\
cpu=2,mem=1.50G,node=2,billing=2,gres/gpu=1|gpu:1|ib||30:00|(null)|7|(null)|(null)|/home/alice|/dev/null|\
/home/alice/slurm-3.out|/home/alice/slurm-3.out|/home/alice/job.sh|RUNNING|None|4294901758|1795360215|1795360215|\
1795360216|1795362016|sl[1-2]|sl1|0|0|1
7|7|N/A|1001|alice|1001|alice|wrap|main|acc|high|(null)|1|1|1|1|0|cpu=1,mem=2000M,node=1,billing=1|N/A|(null)||\
1-00:00:00|afterok:2_*(unfulfilled)|0|(null)|(null)|/home/alice|/dev/null|/home/alice/o|/home/alice/o|(null)|FAILED|\
NonZeroExitCode|4294901757|1795360215|1795360215|1795360216|1795360217|sl1|sl1|768|0|0
8|8|N/A|1001|alice|1001|alice|wrap|main|acc|high|(null)|1|1|1|1|0|cpu=1,mem=2000M,node=1,billing=1|N/A|(null)||\
1:00|(null)|0|(null)|(null)|/home/alice|/dev/null|/home/alice/o|/home/alice/o|(null)|FAILED|\
RaisedSignal:11(Segmentation_fault)|4294901757|1795360215|1795360215|1795360216|1795360217|sl1|sl1|139|0|0
"""
ACCOUNT = """\
7|7|FAILED|3:0|1795360216|1795360227|1795360215|1|billing=1,cpu=1,mem=2000M,node=1|sl1|main|acc|high|1-00:00:00||\
00:01.250|00:00.500|1|0
7.batch|7.batch|FAILED|3:0|1795360216|1795360227|1795360216|1|cpu=1,mem=2000M,node=1|sl1||acc|||3.50M|00:01.250|\
00:00.500|1|0
9|9|CANCELLED by 1001|0:0|1795360216|1795360219|1795360215|1|cpu=1,node=1|sl2|main|acc|high|UNLIMITED|||00:00:00|1|0
"""


def queue(text: str = QUEUE) -> Answer:
    records_ = text.replace("|", records.SEPARATOR).splitlines()
    return Answer(0, "".join(f"{record}{records.END}\n" for record in records_).encode(), b"")


def account(text: str = ACCOUNT) -> Answer:
    return Answer(0, text.replace("|", records.SEPARATOR).encode(), b"")


def job(number: int, state: JobState = JobState.RUNNING, **values: object) -> ForeignJob:
    return ForeignJob(**{"cluster": "big", "foreign_id": str(number), "job_id": number, "state": state, **values})


def known(*jobs: ForeignJob, now: float = NOW) -> Known:
    return Known(Slurm(ENTRY), jobs, {}, now)


def test_squeue_is_read_with_every_field() -> None:
    waiting, running, failed, killed = Slurm(ENTRY).read_states(queue(), [])
    assert (waiting.job_id, waiting.array_job_id, waiting.array_tasks, waiting.state.name) == (2, 2, "3-5%2", "PENDING")
    assert (waiting.comment, waiting.tag, waiting.name) == ("one two", "abcd.12", "a,b c")
    assert (waiting.start_time, waiting.node_list, waiting.alloc_cpus) == (None, None, 0)
    assert (running.array_task_id, running.start_time, running.end_time) == (1, 1795360216.0, None)
    assert (running.node, running.node_list, running.alloc_memory, running.alloc_gpus) == ("sl1", "sl[1-2]", 1536, "1")
    assert (running.time_limit, running.nice, running.memory_per_node) == (1800, 7, 100)
    assert (failed.exit_code, failed.exit_signal, failed.end_time, failed.time_limit) == (3, 0, 1795360217.0, 86400)
    assert (failed.array_job_id, failed.dependency) == (None, "afterok:2_*(unfulfilled)")
    assert (killed.exit_code, killed.exit_signal) == (0, 11)


@pytest.mark.parametrize(
    "answer", [Answer(1, b"", b"slurm_load_jobs error: Unable to contact\n"), Answer(-9, b"", b"")]
)
def test_a_failed_question_is_no_answer(answer: Answer) -> None:
    with pytest.raises(Unanswered):
        Slurm(ENTRY).read_states(answer, [])


def test_accounting_tells_the_end() -> None:
    seven, nine = Slurm(ENTRY).read_ends(account(), [job(7), job(9)]) or []
    assert (seven.state, seven.exit_code, seven.end_time, seven.max_rss) == (JobState.FAILED, 3, 1795360227.0, 3584)
    assert (seven.user_seconds, seven.system_seconds) == (1.25, 0.5)
    assert (nine.state, nine.cancelled_by, nine.node_list) == (JobState.CANCELLED, 1001, "sl2")


def test_accounting_that_is_not_kept_is_told_from_accounting_that_fails() -> None:
    off = Answer(1, b"", b"Slurm accounting storage is disabled\n")
    assert Slurm(ENTRY).read_ends(off, [job(7)]) is None
    with pytest.raises(Unanswered):
        Slurm(ENTRY).read_ends(Answer(1, b"", b"sacct: error: Connection refused\n"), [job(7)])


@pytest.mark.parametrize(
    ("answer", "number", "unclear"),
    [
        (Answer(0, b"Submitted batch job 12\n", b""), "12", True),
        (Answer(0, b"Submitted batch job 12 on cluster x\n", b""), "12", True),
        (Answer(0, b"12;x\n", b"sbatch: warning\n"), "12", True),
        (Answer(0, b"", b""), None, True),
        (Answer(-15, b"", b""), None, True),
        (Answer(1, b"", b""), None, True),
        (Answer(1, b"", b"sbatch: error: Batch job submission failed: Socket timed out on send/recv\n"), None, True),
        (
            Answer(1, b"", b"sbatch: error: Batch job submission failed: Invalid partition name specified\n"),
            None,
            False,
        ),
    ],
)
def test_what_sbatch_said(answer: Answer, number: str | None, unclear: bool) -> None:
    cluster = Slurm(ENTRY)
    assert cluster.read_submission(answer) == number
    assert number is not None or cluster.is_unclear(answer) is unclear


def test_a_submission_keeps_the_users_words_and_has_the_tag() -> None:
    order = Order(
        ("-N2", "--weird"), Script("job.sh", b"#!", ("x y",)), b"", job(0, comment="mine", tag="t.1"), "job.sh"
    )
    call = Slurm(ENTRY).submission(order, remote=False)
    start = ("sbatch", "--account=lab", "--comment=mine mini_slurm:t.1", "-N2", "--weird")
    assert call.words == (*start, "job.sh", "x y")
    there = Slurm(ENTRY).submission(order, remote=True)
    assert (there.words, there.script) == (start, order.script)


# --- what follows


def test_a_job_takes_what_slurm_tells_and_keeps_what_only_we_know() -> None:
    jobs = known(job(7, script="digest", cancelled_by=5, uid=7))
    jobs.take_states(queue(), everybody=False)
    (ended,) = jobs.ended()
    assert (ended.state, ended.script, ended.ours) == (JobState.FAILED, "digest", 1)


def test_tasks_of_a_known_array_are_known() -> None:
    jobs = known(job(2, JobState.PENDING, array_job_id=2, array_tasks="1-5%2", tag="t", script="digest"))
    jobs.take_states(queue(), everybody=False)
    found = {one.foreign_id: one for one in jobs._jobs.values()}
    assert set(found) == {"2", "3"}
    assert found["3"].script == "digest"


def test_a_job_that_slurm_does_not_know_is_waited_for_and_then_given_up() -> None:
    jobs = known(job(55))
    jobs.take_states(queue(), everybody=False)
    asked = jobs.ended()
    jobs.take_ends(asked, account(""))
    assert (jobs._jobs["55"].state, jobs._jobs["55"].missing) == (JobState.RUNNING, NOW)
    later = known(job(55, missing=NOW - LOST - 1))
    later.take_states(queue(), everybody=False)
    later.take_ends(later.ended(), account(""))
    assert (later._jobs["55"].state, later._jobs["55"].settled) == (JobState.NODE_FAIL, 1)


def test_an_end_that_accounting_does_not_tell_is_settled_in_time() -> None:
    for now, settled in ((NOW, 0), (1795360217 + SETTLE + 1, 1)):
        jobs = known(job(7), now=now)
        jobs.take_states(queue(), everybody=False)
        jobs.take_ends(jobs.ended(), account(""))
        assert jobs._jobs["7"].settled == settled


def test_without_accounting_an_end_is_settled_at_once() -> None:
    jobs = known(job(7))
    jobs.take_states(queue(), everybody=False)
    jobs.take_ends(jobs.ended(), Answer(1, b"", b"Slurm accounting storage is disabled\n"))
    assert jobs._jobs["7"].settled == 1


def test_an_array_that_ended_before_any_task_was_seen_gets_its_tasks_from_accounting() -> None:
    jobs = known(job(20, array_job_id=20, array_tasks="0-1"))
    asked = jobs.ended()
    lines = [line.replace("7|7|", f"{20 + task}|20_{task}|", 1) for task in (0, 1) for line in ACCOUNT.splitlines()[:1]]
    jobs.take_ends(asked, account("\n".join(lines)))
    found = {one.array_task_id: one for one in jobs._jobs.values()}
    assert {*found} == {0, 1}
    assert found[1].array_job_id == 20
    assert not any(one.array_tasks for one in found.values())
    assert {one.foreign_id for one in found.values()} == {"20", "21"}
    assert jobs._gone == []
