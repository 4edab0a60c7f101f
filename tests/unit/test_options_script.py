"""options/script.py: what is a batch script, and what its #SBATCH lines say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_slurm.errors import BadOption, BadUsage, Fatal, MiniSlurmError, Refused
from mini_slurm.options.script import OLD_PARTING, check_script, of_part, script_settings, with_lines
from mini_slurm.options.table import OPTIONS


def read(*lines: str, warnings: list[str] | None = None) -> dict[str, str | None]:
    text = "\n".join(["#!/bin/bash", *lines, "sleep 1", ""])
    warn = ([] if warnings is None else warnings).append
    found = script_settings("sbatch", "job.sh", text.encode(), OPTIONS, warn)
    return {setting.option.long: setting.text for setting in found}


@pytest.mark.parametrize(
    ("line", "settings"),
    [
        ("#SBATCH --job-name=foo", {"job-name": "foo"}),
        ("#SBATCH --job-name foo", {"job-name": "foo"}),
        ("#SBATCH -J foo", {"job-name": "foo"}),
        ("#SBATCH -Jfoo", {"job-name": "foo"}),
        ('#SBATCH -J "foo bar"', {"job-name": "foo bar"}),
        ("#SBATCH -J 'foo bar'", {"job-name": "foo bar"}),
        ('#SBATCH --comment="a b"c', {"comment": "a bc"}),
        ("#SBATCH -J foo #x -c 2", {"job-name": "foo"}),
        ("#SBATCH -J fo#o -c 2", {"job-name": "fo"}),
        ('#SBATCH -J "fo#o"', {"job-name": "fo#o"}),
        ("# SBATCH -J foo", {}),
        (" #SBATCH -J foo", {}),
        ("#sbatch -J foo", {}),
        ("##SBATCH -J foo", {}),
        ("#SBATCH -J foo   ", {"job-name": "foo"}),
        ("#SBATCH\t-J\tfoo", {"job-name": "foo"}),
        ("#SBATCH --job-n=foo", {"job-name": "foo"}),
        ("#SBATCH -J $USER", {"job-name": "$USER"}),
        ("#SBATCH -n4 -c2", {"ntasks": "4", "cpus-per-task": "2"}),
        ("#SBATCH", {}),
        ("#SBATCH --job-name=", {"job-name": ""}),
        ('#SBATCH -J a "" -c 2', {"job-name": "a"}),
        (r"#SBATCH -J foo\#bar", {"job-name": "foo#bar"}),
        (r'#SBATCH -J "a\"b\\c"', {"job-name": r'a"b\c'}),
        ("#SLURM -J foo", {"job-name": "foo"}),
        ("#SBATCH -J naïve-日本", {"job-name": "naïve-日本"}),
        ("#SBATCH --wrap=hostname --version", {"wrap": "hostname", "version": None}),
    ],
)
def test_a_directive_reads_as_recorded(line: str, settings: dict[str, str]) -> None:
    assert read(line) == settings


def test_directives_go_on_past_comments_and_blank_lines() -> None:
    assert read("", "# hello", "#SBATCH -J foo", "  ", "# more", "#SBATCH -c 2") == {
        "job-name": "foo",
        "cpus-per-task": "2",
    }


def test_all_directives_are_one_command_line() -> None:
    assert read("#SBATCH --job-name", "#SBATCH foo") == {"job-name": "foo"}


def test_a_line_parts_a_heterogeneous_job_and_hands_on_what_is_the_jobs() -> None:
    text = "#!/bin/sh\n#SBATCH -A science -n2\n#SBATCH hetjob\n#SBATCH -c4 -t5\n#SBATCH PackJob\n#SBATCH -A extra\n"
    found = [
        {
            setting.option.long: setting.text
            for setting in script_settings("sbatch", "x", text.encode(), OPTIONS, print, n)
        }
        for n in range(3)
    ]
    assert found == [
        {"account": "science", "ntasks": "2"},
        {"account": "science", "cpus-per-task": "4", "time": "5"},
        {"account": "extra", "time": "5"},
    ]


def test_the_older_word_is_told_about_once() -> None:
    warnings: list[str] = []
    assert read("#SLURM -J foo", "#SLURM -c 2", warnings=warnings) == {"job-name": "foo", "cpus-per-task": "2"}
    assert len(warnings) == 1


def test_directives_end_at_the_first_command() -> None:
    assert read("#SBATCH -J foo", "import os", "#SBATCH -c 2") == {"job-name": "foo"}


@pytest.mark.parametrize(
    ("line", "error", "said", "status"),
    [
        (r"#SBATCH -J foo\ bar", BadOption, "Invalid directive found in batch script: bar", 255),
        ('#SBATCH -J ""', BadUsage, "sbatch: option requires an argument -- 'J'", 255),
        ("#SBATCH -J a : -J b", Fatal, "job.sh: line 2: Unexpected `:` in [ : -J b]", 1),
        ("#SBATCH -n2 hetjob", BadOption, "Invalid directive found in batch script: hetjob", 255),
        ("#SBATCH foo -c 2", BadOption, "Invalid directive found in batch script: foo", 255),
        ("#SBATCH --frobnicate=1", BadUsage, "sbatch: unrecognized option '--frobnicate=1'", 255),
        ("#SBATCH -Y 1", BadUsage, "sbatch: invalid option -- 'Y'", 255),
        ("#SBATCH --time", BadUsage, "sbatch: option '--time' requires an argument", 255),
        ("#SBATCH --hold=1", BadUsage, "sbatch: option '--hold' doesn't allow an argument", 255),
        (
            "#SBATCH --no=1",
            BadUsage,
            "sbatch: option '--no=1' is ambiguous; possibilities:"
            " '--no-kill' '--no-requeue' '--nodefile' '--nodelist' '--nodes'",
            255,
        ),
        ('#SBATCH -J "foo', Fatal, 'job.sh: line 2: Unmatched `"` in [ "foo]', 1),
    ],
)
def test_a_broken_directive_is_refused_in_slurms_words(
    line: str, error: type[Exception], said: str, status: int
) -> None:
    with pytest.raises(error) as raised:
        read(line)
    assert (raised.value.lines[0], raised.value.exit_code) == (said, status)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (b"", "Batch script is empty!"),
        (b"\0\0", "Batch script contains only whitespace!"),
        (b"\n \n\t", "Batch script contains only whitespace!"),
        (b"\x7fELF\x02\0\0abc\0\n", "This does not look like a batch script.  The first"),
        (b"echo hi\n", "This does not look like a batch script.  The first"),
        (b"#SBATCH -J foo\n#!/bin/bash\n", "This does not look like a batch script.  The first"),
        (b"#!/bin/sh\n\0", "The Slurm controller does not allow scripts that"),
        (b"#!/bin/bash\necho hi\r\n", "Batch script contains DOS line breaks (\\r\\n)"),
        (
            b"#!/bin/bash\n" + b"#" * 5_000_000,
            "Batch job submission failed: Pathname of a file, directory or other parameter too long",
        ),
    ],
)
def test_what_is_no_batch_script_is_refused_in_slurms_words(script: bytes, said: str) -> None:
    with pytest.raises(Refused) as raised:
        check_script(script)
    assert (raised.value.lines[0], raised.value.exit_code) == (said, 1)


@pytest.mark.parametrize("script", [b"#!/bin/bash", b"#!/bin/sh\n\xff\xfe\n", b"#!/bin/sh\nprintf '\r'\n"])
def test_other_scripts_are_taken_as_they_are(script: bytes) -> None:
    check_script(script)
    assert not list(script_settings("sbatch", "job.sh", script, OPTIONS, print))


@given(st.binary(max_size=60))
def test_any_bytes_give_settings_or_one_of_our_errors(data: bytes) -> None:
    try:
        found = list(script_settings("sbatch", "job.sh", b"#!/bin/sh\n#SBATCH " + data, OPTIONS, lambda line: None))
    except MiniSlurmError:
        return
    assert all(setting.option in OPTIONS for setting in found)


def test_lines_are_put_after_the_first() -> None:
    assert with_lines(b"#!/bin/sh\necho\n", b"#BB x") == b"#!/bin/sh\n#BB x\necho\n"


def test_the_old_word_between_parts_is_warned_of_once() -> None:
    text = b"#!/bin/sh\n#SBATCH packjob\n#SBATCH packjob\nsleep 1\n"
    notes: list[str] = []
    for part in range(3):
        list(script_settings("sbatch", "job.sh", text, OPTIONS, pytest.fail, part, notes.append))
    assert notes == [OLD_PARTING]


def test_the_script_of_a_further_part() -> None:
    text = (
        b"#!/bin/bash\n#SBATCH -n1\n#SBATCH hetjob\n#SBATCH -n2\n# why\n#SBATCH packjob\n#SBATCH -n3\nsleep 1\n# no\n"
    )
    assert of_part(text, 1) == b"#!/bin/bash\n#SBATCH -n2\n# why\nexit 0\n"
    assert of_part(text, 2) == b"#!/bin/bash\n#SBATCH -n3\nexit 0\n"
    assert of_part(b"#!/bin/sh\n# made\n\nsleep 1\n", 1) == b"#!/bin/sh\nexit 0\n"
