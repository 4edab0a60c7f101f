"""A result is found in an output of any size, from its end, and only where it is one."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from mini_slurm.api.results import BLOCK, MARK, NoResult, find_result


def output(folder: Path, data: bytes) -> Path:
    path = folder / "run.out"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'TMGG_RESULT:{"a":1}\n', 1),
        (b'TMGG_RESULT:{"a":1}', 1),
        (b'noise\nTMGG_RESULT:{"a":1}\nnoise after\n', 1),
        (b'TMGG_RESULT:{"a":1}\nOTHER_RESULT:{"a":2}\n', 2),
        (b'TMGG_RESULT:{"a":1}\nMY_RESULT: see above\n', 1),
        (b'TMGG_RESULT:{"a":1}\nquoted "MY_RESULT:{}"\n', 1),
        (b' 50%|##\r100%|####\rTMGG_RESULT:{"a":1}\n', 1),
        (b'0: TMGG_RESULT:{"a":1}\n', 1),
        (b'TMGG_RESULT:{"a":1}\r\n', 1),
        (b'TMGG_RESULT:{"a":1,"note":"X_RESULT:{}"}\n', 1),
        (b"\xff\xfe\x00" * 40 + b'\nTMGG_RESULT:{"a":1}\n' + b"\x00" * 50, 1),
    ],
)
def test_the_last_result_is_found(tmp_path: Path, data: bytes, expected: int) -> None:
    assert find_result(output(tmp_path, data))["a"] == expected


def test_a_name_chooses_among_several(tmp_path: Path) -> None:
    path = output(tmp_path, b'TMGG_RESULT:{"a":1}\nOTHER_RESULT:{"a":2}\nXTMGG_RESULT:{"a":3}\n')
    assert find_result(path, "TMGG")["a"] == 1
    with pytest.raises(NoResult, match="has no line MINE_RESULT:"):
        find_result(path, "MINE")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "has no line NAME_RESULT:"),
        (b"nothing\n", "has no line NAME_RESULT:"),
        (b'TMGG_RESULT:{"a":1}\nTMGG_RESULT:{"a":\n', "is no JSON"),
        (b'TMGG_RESULT:{"a"', "is no JSON"),
        (b"x" * 500 + b'_RESULT:{"a":1}\n', "has no line"),
    ],
)
def test_what_is_missing_is_said(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(NoResult, match=words):
        find_result(output(tmp_path, data))


def test_no_file_is_no_result(tmp_path: Path) -> None:
    with pytest.raises(NoResult, match="No such file"):
        find_result(tmp_path / "none")


@pytest.mark.parametrize("before", range(len(MARK) + 6))
def test_a_mark_across_the_border_of_blocks_is_found_once(tmp_path: Path, before: int) -> None:
    line = b'TMGG_RESULT:{"a":1}\n'
    after = BLOCK - len(line) + before
    path = output(tmp_path, b"noise\n" * 3 + line + b"y" * after)
    assert find_result(path)["a"] == 1


def test_a_result_larger_than_a_block_is_read_whole(tmp_path: Path) -> None:
    path = output(tmp_path, b'TMGG_RESULT:{"a":"' + b"z" * (3 * BLOCK) + b'"}\n' + b"noise\n")
    assert len(find_result(path)["a"]) == 3 * BLOCK


def test_an_output_larger_than_the_memory_is_not_read_into_memory(tmp_path: Path) -> None:
    """The result stands first in a file with a hole of 250 MB, and a process of 120 MB finds it."""
    path = output(tmp_path, b'TMGG_RESULT:{"a":1}\n')
    with open(path, "r+b") as file:
        file.truncate(250 << 20)
    code = f"""
import pathlib, resource
resource.setrlimit(resource.RLIMIT_AS, ({120 << 20}, {120 << 20}))
from mini_slurm.api.results import find_result
print(find_result(pathlib.Path({str(path)!r}))["a"])
"""
    assert resource.getrlimit(resource.RLIMIT_AS)[1] == resource.RLIM_INFINITY
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("1\n", "")
