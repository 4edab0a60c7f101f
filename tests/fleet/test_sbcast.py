"""sbcast in a job: a file comes to all machines, which share none, and the job's steps do not know of it."""

from __future__ import annotations

from collections.abc import Callable

from tests.fleet import jobs
from tests.fleet.machines import Testbed

SCRIPT = """
head -c 5000000 /dev/urandom > /tmp/source; chmod 751 /tmp/source; touch -d @1000000000 /tmp/source
md5sum < /tmp/source
sbcast -p /tmp/source /tmp/copy; echo rc $?
srun -N3 -n3 sh -c 'md5sum < /tmp/copy; stat -c "%a %Y" /tmp/copy' | sort | uniq -c
sbcast /tmp/source /tmp/copy 2> first; echo rc $?
sort first >&2
date > /tmp/source
sbcast --force /tmp/source /tmp/copy; echo rc $?
srun -N3 -n3 md5sum /tmp/copy | sort | uniq | wc -l
sbcast /tmp/nofile /tmp/copy; echo rc $?
sbcast -f /tmp/source /nofolder/copy 2> second; echo rc $?
sort second | head -1 >&2
sbcast one; echo rc $?
srun -N3 -n3 sh -c 'ls /tmp/copy.*' 2> /dev/null
srun -N1 -n1 sh -c 'echo step $SLURM_STEP_ID'
"""


def test_a_file_comes_to_all_machines(testbed: Callable[..., Testbed]) -> None:
    fleet = testbed(**{name: {"cpus": 1, "memory": "1000M"} for name in ("node1", "node2", "node3")})
    number = jobs.wrap(fleet, SCRIPT, "-N3", "-o", "out", "-e", "err", "-D", str(fleet.shared))
    jobs.wait_over(fleet, number, seconds=60)
    digest, *lines = (fleet.shared / "out").read_text().splitlines()
    found = [line.strip() for line in lines]
    assert [found[0], *sorted(found[1:3], key=len), *found[3:]] == [
        *("rc 0", "3 751 1000000000", f"3 {digest}", "rc 1", "rc 0", "1", "rc 1", "rc 1", "rc 1", "step 3"),
    ]
    assert (fleet.shared / "err").read_text().splitlines() == [
        "sbcast: error: REQUEST_FILE_BCAST(node1): File exists",
        "sbcast: error: REQUEST_FILE_BCAST(node2): File exists",
        "sbcast: error: REQUEST_FILE_BCAST(node3): File exists",
        "sbcast: error: Can't open `/tmp/nofile`: No such file or directory",
        "sbcast: error: REQUEST_FILE_BCAST(node1): No such file or directory",
        "Need two file names, have 1 names",
        'Try "sbcast --help" for more information',
    ]
    steps = fleet.run("msacct", "-n", "-P", "-j", str(number), "--format=jobid").stdout.split()
    assert steps == ["1", "1.batch", "1.0", "1.1", "1.2", "1.3"]
