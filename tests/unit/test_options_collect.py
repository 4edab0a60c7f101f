"""options/collect.py: sources of options, and which of them wins."""

import pytest

from mini_slurm.errors import BadOption, Refused
from mini_slurm.options.collect import Values
from tests.unit.submitting import described, gather


def test_the_command_line_wins_over_the_environment_and_that_over_the_script() -> None:
    made = described(
        "-J cli -p compute",
        script="-J script -t 5 -p gpu --comment=c",
        environment={"SBATCH_JOB_NAME": "env", "SBATCH_TIMELIMIT": "6", "SBATCH_PARTITION": "debug"},
    )
    assert (made.name, made.time_limit, made.partition, made.comment) == ("cli", 360, "compute", "c")


def test_the_last_of_several_wins() -> None:
    assert described("-J a -J b").name == "b"


def test_a_value_that_is_overridden_must_still_parse() -> None:
    with pytest.raises(BadOption):
        described("-t 5", script="--time=abc")


def test_switches_in_the_environment_may_say_no() -> None:
    assert described(environment={"SBATCH_NO_REQUEUE": "1"}).__dict__["requeue"] == 0
    assert "requeue" not in described(environment={"SBATCH_NO_REQUEUE": "no"}).__dict__
    assert described(environment={"SBATCH_EXCLUSIVE": ""}).exclusive == 1
    assert "wait" not in gather(script="--wait", environment={"SBATCH_WAIT": "0"}).of


def test_variables_that_sbatch_does_not_know_are_not_read() -> None:
    assert described(environment={"SBATCH_CPUS_PER_TASK": "2", "SBATCH_COMMENT": "c"}).__dict__ == {}


def test_only_what_was_given_is_set() -> None:
    assert described("-n 4 -c 2 --mem=1G -C ib --exclusive -o none").__dict__ == {
        "ntasks": 4,
        "cpus_per_task": 2,
        "memory_per_node": 1024,
        "features": "ib",
        "exclusive": 1,
        "std_out": "/dev/null",
    }


def test_events_for_mails_and_levels_of_talk_add_up() -> None:
    assert gather("--mail-type=END --mail-type=FAIL").of["mail_type"] == {"END", "FAIL"}
    assert gather("-vv -v").of["verbose"] == 3
    assert gather("-v", environment={"SBATCH_DEBUG": "2"}).of["verbose"] == 3


def test_what_only_counts_on_the_command_line_is_passed_over_in_scripts() -> None:
    assert gather(script="--wrap=hostname -Q --version").of == {}


def test_machines_are_named_by_a_list_or_a_file() -> None:
    assert gather("-w node1 -F file").of == {"nodefile": "file"}
    assert gather("-F file -w node1").of == {"required_nodes": "node1"}


@pytest.mark.parametrize(
    ("line", "said", "status"),
    [
        ("-n 0", 'Invalid numeric value "0" for --ntasks.', 1),
        ("-n -1", 'Invalid numeric value "-1" for --ntasks.', 1),
        ("-n abc", 'Invalid numeric value "abc" for --ntasks.', 1),
        ("-n 9999999999999999999", "Numeric argument (9223372036854775807) to big for --ntasks.", 1),
        ("--nice=99999999999", "Invalid --nice value, out of range (+/- 2147483645)", 255),
        ("-t abc", "Invalid --time specification", 255),
    ],
)
def test_a_value_that_does_not_parse_gets_slurms_words(line: str, said: str, status: int) -> None:
    with pytest.raises((BadOption, Refused)) as raised:
        gather(line)
    assert (raised.value.lines, raised.value.exit_code) == ((said,), status)


def test_an_error_shows_how_to_write_it() -> None:
    with pytest.raises(BadOption) as raised:
        gather("-t soon")
    assert raised.value.hint == "write for example --time=2-12:00:00"


def test_sources_are_known() -> None:
    values: Values = gather("-c 2", script="-n 2", environment={"SBATCH_GPUS": "1"})
    assert [values.was_said(field) for field in ("cpus_per_task", "ntasks", "gpus", "nodes")] == [
        True, True, False, False,
    ]  # fmt: skip
    assert values.was_set("gpus")
