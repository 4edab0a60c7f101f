"""options/table.py: every row is whole, and every reader takes any text or says no."""

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mini_slurm.errors import MiniSlurmError
from mini_slurm.model.job import COLUMNS
from mini_slurm.options.collect import MOMENTS, read_value
from mini_slurm.options.describe import KEPT
from mini_slurm.options.table import OPTIONS, VARIABLES, JobOption

# What is no attribute of a job: how the submission goes, and what becomes something else
SETTINGS = {
    *("array", "bbf", "begin", "clusters", "core_spec", "export_file", "extra_node_info", "get_user_env", "gid_given"),
    *("gpus_per_node", "help", "hold", "ignore_pbs", "nodefile", "parsable", "propagate", "quiet", "reboot"),
    *("test_only", "thread_spec", "uid_given", "usage", "verbose", "version", "wait", "work_dir", "wrap"),
    *("snapshot", "stage_in", "stage_out"),
}
EVERY = (*OPTIONS, *VARIABLES)


def long(option: JobOption) -> str:
    return option.long


@pytest.mark.parametrize("option", OPTIONS, ids=long)
def test_a_row_is_whole(option: JobOption) -> None:
    assert option.field in COLUMNS or option.field in SETTINGS or option.kept
    assert option.kept == (option.field in KEPT)
    assert option.help.endswith(".")
    assert bool(option.metavar) >= (option.value == "required")
    assert option.value != "none" or not option.metavar


@pytest.mark.parametrize("option", [option for option in EVERY if option.value == "required"], ids=long)
def test_a_rows_example_parses(option: JobOption) -> None:
    assert read_value(option, option.example) not in (None, "")


def test_names_are_given_once() -> None:
    names = [name for option in OPTIONS for name in (option.long, *option.aliases)]
    assert len(names) == len(set(names))
    letters = [option.short for option in OPTIONS if option.short]
    assert len(letters) == len(set(letters))
    variables = [name for option in EVERY for name in option.env]
    assert len(variables) == len(set(variables))


def test_what_sbatch_of_22_05_shows_in_its_help_is_known() -> None:
    shown = """account array bb bbf begin chdir cluster-constraint clusters comment constraint container contiguous
        core-spec cores-per-socket cpu-freq cpus-per-gpu cpus-per-task deadline delay-boot dependency distribution error
        exclude exclusive export export-file extra-node-info get-user-env gid gpu-bind gpu-freq gpus gpus-per-node
        gpus-per-socket gpus-per-task gres gres-flags help hold ignore-pbs input job-name licenses mail-type mail-user
        mcs-label mem mem-per-cpu mem-per-gpu mincpus nice no-kill no-requeue nodefile nodelist nodes ntasks
        ntasks-per-core ntasks-per-node ntasks-per-socket output overcommit oversubscribe parsable partition power
        priority profile propagate qos quiet reboot requeue reservation signal sockets-per-node spread-job switches
        thread-spec threads-per-core time time-min tmp uid usage use-min-nodes verbose version wait wckey wrap"""
    assert set(shown.split()) <= {option.long for option in OPTIONS}
    letters = "A B C D F G H J L M N O Q S V W a b c d e h i k m n o p q s t v w x"
    assert set(letters.split()) == {option.short for option in OPTIONS if option.short}


WORDS = st.sampled_from(
    ["", "0", "1", "-1", "9" * 30, "1-2", ":", "@", "=", "*", "k", "M", "none", "ALL", "map_gpu:", "mask_mem:", "x:2*",
     "plane=", "block", "cyclic", ",", "pack", "\u00b2", "\udcff", "low-high", "task=", "USR1@", "uts", "\n", "0x"]
)  # fmt: skip
TEXTS = st.text(max_size=12) | st.lists(WORDS, max_size=5).map("".join)


@given(st.sampled_from(EVERY), TEXTS)
@example(next(option for option in OPTIONS if option.long == "mem-bind"), "mask_mem:0x*")
def test_any_text_is_read_or_refused(option: JobOption, text: str) -> None:
    with contextlib.suppress(MiniSlurmError):
        read_value(option, text)


@pytest.mark.parametrize("option", [option for option in EVERY if option.value != "required"], ids=long)
def test_an_option_may_stand_without_its_value(option: JobOption) -> None:
    read_value(option, None)


def test_moments_are_read_by_those_who_know_the_time() -> None:
    assert {option.field for option in OPTIONS if option.field in MOMENTS} == MOMENTS
