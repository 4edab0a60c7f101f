"""options/grammar.py against getopt_long's rules."""

import getopt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_slurm.errors import BadUsage
from mini_slurm.options import sacct, squeue
from mini_slurm.options.grammar import Option, parse

TABLE = (
    Option(field="hold", long="hold", short="H", value="none"),
    Option(field="mem_bind", long="mem-bind"),
    Option(field="memory_per_cpu", long="mem-per-cpu"),
    Option(field="nice", long="nice", value="optional"),
    Option(field="no_kill", long="no-kill", short="k", value="optional"),
    Option(field="nodelist", long="nodelist", short="w"),
    Option(field="nodes", long="nodes", short="N"),
    Option(field="ntasks", long="ntasks", short="n"),
    Option(field="ntasks_per_node", long="ntasks-per-node"),
    Option(field="states", long="states", short="t", aliases=("state",)),
    Option(field="verbose", long="verbose", short="v", value="none"),
)


def read(*arguments: str, permute: bool = False) -> tuple[list[tuple[str, str | None]], list[str]]:
    settings, words = parse("sbatch", list(arguments), TABLE, permute=permute)
    return [(setting.option.field, setting.text) for setting in settings], words


@pytest.mark.parametrize("form", [("-n4",), ("-n", "4"), ("--ntasks=4",), ("--ntasks", "4")])
def test_every_form_of_a_value_is_read(form: tuple[str, ...]) -> None:
    assert read(*form) == ([("ntasks", "4")], [])


def test_flags_may_be_clustered_and_the_last_may_take_a_value() -> None:
    assert read("-vHn4") == ([("verbose", None), ("hold", None), ("ntasks", "4")], [])


def test_a_value_may_begin_with_a_dash() -> None:
    assert read("-n", "-1", "--nodes", "--hold") == ([("ntasks", "-1"), ("nodes", "--hold")], [])


def test_an_optional_value_is_only_taken_when_glued() -> None:
    assert read("--nice", "5") == ([("nice", None)], ["5"])
    assert read("--nice=5", "-k", "1") == ([("nice", "5"), ("no_kill", None)], ["1"])
    assert read("-k1") == ([("no_kill", "1")], [])


def test_an_empty_value_is_a_value() -> None:
    assert read("--nodes=", "-n", "") == ([("nodes", ""), ("ntasks", "")], [])


def test_an_exact_name_wins_over_longer_ones() -> None:
    assert read("--ntasks=1") == ([("ntasks", "1")], [])


def test_a_unique_beginning_is_enough() -> None:
    assert read("--mem-p=1", "--ver") == ([("memory_per_cpu", "1"), ("verbose", None)], [])


def test_names_of_one_option_may_lie_apart() -> None:
    with pytest.raises(BadUsage) as raised:
        parse("sacct", ["--u"], sacct.OPTIONS, permute=True)
    assert raised.value.lines[0].endswith("possibilities: '--units' '--uid' '--use-local-uid' '--usage' '--user'")


def test_two_names_of_one_option_are_not_ambiguous() -> None:
    assert read("--stat=R", "--state=R") == ([("states", "R"), ("states", "R")], [])


def test_the_first_other_word_ends_options() -> None:
    assert read("-H", "job.sh", "-n", "4") == ([("hold", None)], ["job.sh", "-n", "4"])


def test_permuting_options_may_follow_words() -> None:
    assert read("12", "-H", "13", "--", "-n", permute=True) == ([("hold", None)], ["12", "13", "-n"])


@pytest.mark.parametrize("field", ["help", "usage", "version"])
def test_nothing_is_read_behind_what_a_command_only_answers(field: str) -> None:
    table = (Option(field=field, long=field, short="V", value="none"),)
    given, words = parse("squeue", ["-V", "--nosuch", "x"], table, permute=True)
    assert ([setting.option.field for setting in given], words) == ([field], [])
    with pytest.raises(BadUsage):
        parse("squeue", ["--nosuch", "-V"], table, permute=True)


def test_two_dashes_end_options() -> None:
    assert read("-H", "--", "-n", "4") == ([("hold", None)], ["-n", "4"])


def test_a_single_dash_is_a_word() -> None:
    assert read("-", permute=True) == ([], ["-"])


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--frobnicate=1"], "unrecognized option '--frobnicate=1'"),
        (["-Y"], "invalid option -- 'Y'"),
        (["-HY"], "invalid option -- 'Y'"),
        (["-n"], "option requires an argument -- 'n'"),
        (["--nodes"], "option '--nodes' requires an argument"),
        (["--nodel"], "option '--nodelist' requires an argument"),
        (["--hol=1"], "option '--hold' doesn't allow an argument"),
        (["--mem-", "1"], "option '--mem-' is ambiguous; possibilities: '--mem-bind' '--mem-per-cpu'"),
        (["--no=1"], "option '--no=1' is ambiguous; possibilities: '--no-kill' '--nodelist' '--nodes'"),
    ],
)
def test_what_does_not_parse_is_said_in_getopts_words(arguments: list[str], complaint: str) -> None:
    with pytest.raises(BadUsage) as raised:
        read(*arguments)
    assert raised.value.lines == (f"sbatch: {complaint}", 'Try "sbatch --help" for more information')
    assert raised.value.exit_code == 255


def test_the_exit_status_is_the_callers_choice() -> None:
    with pytest.raises(BadUsage) as raised:
        parse("squeue", ["--foo"], TABLE, permute=True, exit_code=1)
    assert raised.value.exit_code == 1


PIECES = st.sampled_from(
    [
        *("-n", "-n4", "4", "--ntasks", "--ntasks=4", "--ver", "-v", "-Hv", "-HN2", "--", "-", "--hold", "--hold=1"),
        *("-Z", "--nodes", "--nod", "--mem-p", "x", "--state", "-vw"),
    ]
)


@given(st.lists(PIECES, max_size=6), st.booleans())
def test_it_reads_what_the_standard_librarys_getopt_reads(arguments: list[str], permute: bool) -> None:
    names = ["hold", "mem-bind=", "mem-per-cpu=", "nodelist=", "nodes=", "ntasks=", "ntasks-per-node=", "states="]
    reference = getopt.gnu_getopt if permute else getopt.getopt
    table = [option for option in TABLE if option.value != "optional"]
    try:
        expected, words = reference(arguments, "Hw:N:n:t:v", [*names, "state=", "verbose"])
    except getopt.GetoptError:
        if "--state" not in arguments:
            with pytest.raises(BadUsage):
                parse("sbatch", arguments, table, permute=permute)
        return
    settings, rest = parse("sbatch", arguments, table, permute=permute)
    assert rest == words
    assert [setting.text or "" for setting in settings] == [value for _, value in expected]


def test_all_names_of_options_that_are_in_doubt_are_possible() -> None:
    with pytest.raises(BadUsage, match="possibilities: '--noconvert' '--node' '--nodes' '--nodelist' '--noheader'"):
        parse("squeue", ["--no"], squeue.OPTIONS, permute=True)
