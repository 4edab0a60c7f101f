"""options/table.py: every row is whole."""

import pytest

from mini_slurm.errors import Refused
from mini_slurm.model.job import COLUMNS
from mini_slurm.options.collect import read_value
from mini_slurm.options.table import OPTIONS, JobOption

# What is no attribute of a job: how the submission goes, and what becomes something else
SETTINGS = {
    *("array", "begin", "gpus_per_node", "help", "hold", "ignore_pbs", "ntasks_per_node", "parsable", "quiet"),
    *("test_only", "usage", "verbose", "version", "wait", "wrap"),
}
BUILT = [option for option in OPTIONS if option.built]


def long(option: JobOption) -> str:
    return option.long


@pytest.mark.parametrize("option", BUILT, ids=long)
def test_a_row_is_whole(option: JobOption) -> None:
    assert option.field in COLUMNS or option.field in SETTINGS
    assert option.help.endswith(".")
    assert bool(option.metavar) == (option.value == "required")


@pytest.mark.parametrize("option", [option for option in BUILT if option.value == "required"], ids=long)
def test_a_rows_example_parses(option: JobOption) -> None:
    assert read_value(option, option.example) not in (None, "")


def test_names_are_given_once_and_stand_in_slurms_order() -> None:
    names = [option.long for option in OPTIONS]
    assert names == sorted(set(names))
    letters = [option.short for option in OPTIONS if option.short]
    assert len(letters) == len(set(letters))
    variables = [option.env for option in OPTIONS if option.env]
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


@pytest.mark.parametrize("option", [option for option in OPTIONS if not option.built], ids=long)
def test_an_option_that_is_not_built_is_refused_by_name(option: JobOption) -> None:
    with pytest.raises(Refused) as raised:
        read_value(option, "1")
    assert raised.value.lines == (f"--{option.long} is not supported yet",)
