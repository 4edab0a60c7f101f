"""options/words.py and values.py: values that are small languages of their own."""

from collections.abc import Callable

import pytest

from mini_slurm.errors import Answer, BadOption, MiniSlurmError, Refused
from mini_slurm.options import values, words


@pytest.mark.parametrize(
    ("read", "text", "shown"),
    [
        (words.distribution, "block", "block"),
        (words.distribution, "CYCLIC:fcyclic", "cyclic:fcyclic"),
        (words.distribution, "*:*:*", "block:cyclic:cyclic"),
        (words.distribution, "cyclic,nopack", "cyclic,nopack"),
        (words.distribution, "pack", "pack"),
        (words.distribution, "hostfile", "arbitrary"),
        (words.distribution, "plane=4", "plane=4"),
        (words.profile, "task,energy", "Energy,Task"),
        (words.profile, "all", "Energy,Lustre,Network,Task"),
        (words.profile, "none", "None"),
        (words.sampling, "task=30,energy=60", "task=30,energy=60"),
        (words.sampling, "10", "10"),
        (words.cpu_frequency, "high", "High"),
        (words.cpu_frequency, "low-medium:performance", "Low-Medium:Performance"),
        (words.cpu_frequency, "1200-2400000", "1200-2400000"),
        (words.cpu_frequency, "ondemand", "OnDemand"),
        (words.gpu_binding, "verbose,closest", "verbose,closest"),
        (words.gpu_binding, "map_gpu:0,1*2", "map_gpu:0,1*2"),
        (words.gpu_binding, "single:2", "single:2"),
        (words.gpu_frequency, "high,memory=low", "high,memory=low"),
        (words.memory_binding, "local,verbose", "verbose,local"),
        (words.memory_binding, "map_mem:0,1*2", "map_mem:0,1,1"),
        (words.memory_binding, "rank,local,sort", "sort,local"),
        (words.memory_binding, "verbose,quiet", ""),
        (words.warning_signal, "USR1", "USR1"),
        (words.warning_signal, "RB:TERM@120", "RB:TERM@120"),
        (words.warning_signal, "15@5", "15@5"),
        (values.switches, "2@1:30", "2@0:90"),
        (values.switches, "1", "1@0:300"),
        (values.delay, "5", "0:300"),
        (values.file, "None", "/dev/null"),
        (values.open_mode, "append", "a"),
        (values.open_mode, "T", "w"),
    ],
)
def test_what_is_kept_is_what_slurm_keeps(read: Callable[[str], str], text: str, shown: str) -> None:
    assert read(text) == shown


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (words.distribution, ""),
        (words.distribution, "foo"),
        (words.distribution, "plane=0"),
        (words.distribution, "block,foo"),
        (words.distribution, "block:block:block:block"),
        (words.profile, "foo"),
        (words.sampling, "foo"),
        (words.cpu_frequency, "high-low"),
        (words.cpu_frequency, "foo"),
        (words.cpu_frequency, "powersave"),
        (words.cpu_frequency, "high:performance"),
        (words.gpu_binding, ""),
        (words.gpu_binding, "map_gpu:x"),
        (words.gpu_binding, "foo"),
        (words.gpu_frequency, "foo=low"),
        (words.memory_binding, "foo"),
        (words.memory_binding, "map_mem:"),
        (words.memory_binding, "map_mem:1*x"),
        (words.warning_signal, "FOO"),
        (words.warning_signal, "USR1@x"),
        (words.warning_signal, "0"),
        (words.mail_types, "foo"),
        (values.number, "0"),
        (values.zero_or_one, "2"),
        (values.open_mode, ""),
        (values.umask, "999"),
        (values.login_environment, "10x"),
    ],
)
def test_what_has_no_meaning_is_refused(read: Callable[[str], object], text: str) -> None:
    with pytest.raises((MiniSlurmError, ValueError)):
        read(text)


def test_some_values_ask_for_help() -> None:
    with pytest.raises(Answer) as raised:
        words.gres("help")
    assert raised.value.lines == ("Valid gres options are:", "gpu[[:type]:count]")
    with pytest.raises(Answer):
        words.memory_binding("help")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("2", (2, None, None)), ("2:4:1", (2, 4, 1)), ("2-4:*", (2, None, None)), ("1k", (1024, None, None))],
)
def test_sockets_cores_and_threads_are_the_least_of_each(text: str, numbers: tuple[int | None, ...]) -> None:
    assert values.sockets_cores_threads(text) == numbers


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("-1", 'Invalid numeric value "-1" for first arg of -B.'),
        ("-3-2", 'Invalid numeric value "-3-2" for first arg of -B.'),
        ("-x", 'Invalid numeric value "-x" for first arg of -B.'),
        ("1:-1", 'Invalid numeric value "-1" for second arg of -B.'),
        ("1:1:99999999999", "Numeric argument (99999999999) to big for third arg of -B."),
        ("1-2147483648", "Numeric argument (2147483648) to big for first arg of -B."),
        ("9999999999k", "Numeric argument (10239999998976) to big for first arg of -B."),
    ],
)
def test_numbers_of_sockets_are_neither_below_zero_nor_too_large(text: str, complaint: str) -> None:
    with pytest.raises(Refused) as raised:
        values.sockets_cores_threads(text)
    assert str(raised.value) == complaint


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1:1", "gov on cpu-frec (1) illegal without max"),
        ("1:", "gov on cpu-frec () illegal without max"),
        ("1:-1", "illegal governor: -1 on --cpu-freq"),
        ("1-2:x,y", "illegal governor: x,y on --cpu-freq"),
    ],
)
def test_a_governor_goes_with_a_range(text: str, why: str) -> None:
    with pytest.raises(BadOption) as raised:
        words.cpu_frequency(text)
    assert raised.value.lines == (why, "Invalid --cpu-freq argument")


@pytest.mark.parametrize(
    ("text", "least", "most"), [("2", 2, 2), ("2-4", 2, 4), ("1k", 1024, 1024), ("-3", 1, 3), ("2 ", 2, 2), ("0", 0, 0)]
)
def test_numbers_of_machines_are_read(text: str, least: int, most: int) -> None:
    assert values.nodes(text) == (least, most)
