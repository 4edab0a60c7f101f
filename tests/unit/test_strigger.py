"""What strigger finds wrong with its options, as a real Slurm 22.05.8 does."""

from __future__ import annotations

import pytest

from mini_slurm.cli.mstrigger import mstrigger
from mini_slurm.errors import BadUsage


def refused(*words: str) -> str:
    with pytest.raises(BadUsage) as found:
        mstrigger("strigger", list(words))
    assert found.value.exit_code == 1
    return str(found.value)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--set", "-j", "x", "-f", "-p", "/bin/true"), "Invalid jobid x"),
        (("--set", "-j", "0", "-f"), "Invalid jobid 0"),
        (("--get", "--user=nosuchuser"), "Invalid user nosuchuser"),
        (("--flags=foo",), "Invalid flags foo"),
        (("--set", "-o", "40000", "-d", "-p", "/bin/sh"), "The --offset parameter must be between +/-32000"),
        (("--set", "--flags=PERMx", "-d"), "You must specify a --program value"),
        (("--clear", "-i", "x"), "You must specify a --id, --jobid, or --user to clear"),
        (("--get", "--set"), "You must use exactly one of the following options: --set, --get or --clear"),
    ],
)
def test_it_says_what_is_wrong(words: tuple[str, ...], said: str) -> None:
    assert refused(*words) == f"strigger: error: {said}"


def test_what_is_in_order_is_denied() -> None:
    assert refused("--set", "--flags=perm", "-d", "-p", "/bin/sh") == "slurm_set_trigger: Access/permission denied"
