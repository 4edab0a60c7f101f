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


PROGRAM = """
printf '#!/bin/sh\\necho "$0 $SLURMD_NODENAME $1"\\n' > /tmp/program; chmod 755 /tmp/program
srun -N3 -n3 /tmp/program one 2> /dev/null | wc -l
srun -N3 -n3 --bcast=/tmp/copied /tmp/program two | sort
PATH=/tmp:$PATH srun -N2 -n2 --bcast=/tmp/ program three | sort | sed 's/[0-9a-f]* /HEX /'
srun --bcast=/nofolder/copied /tmp/program; echo rc $?
srun --bcast nosuchprogram; echo rc $?
srun -N1 -n1 sh -c 'echo step $SLURM_STEP_ID'
"""


def test_a_file_comes_to_all_machines(testbed: Callable[..., Testbed]) -> None:
    fleet = testbed(**{name: {"cpus": 1, "memory": "1000M"} for name in ("node1", "node2", "node3")})
    number = jobs.wrap(fleet, SCRIPT, "-N3", "-o", "out", "-e", "err", "-D", str(fleet.shared))
    jobs.wait_over(fleet, number, seconds=60)
    digest, *lines = (fleet.shared / "out").read_text().splitlines()
    found = [line.strip() for line in lines]
    assert [found[0], *sorted(found[1:3], key=len), *found[3:]] == [
        *("rc 0", "3 751 1000000000", f"3 {digest}", "rc 17", "rc 0", "1", "rc 255", "rc 2", "rc 1", "step 3"),
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


def test_a_program_is_copied_before_its_step(testbed: Callable[..., Testbed]) -> None:
    fleet = testbed(**{name: {"cpus": 1, "memory": "1000M"} for name in ("node1", "node2", "node3")})
    number = jobs.wrap(fleet, PROGRAM, "-N3", "-o", "out", "-e", "err", "-D", str(fleet.shared))
    jobs.wait_over(fleet, number, seconds=60)
    copies = [f"/tmp/copied node{number} two" for number in (1, 2, 3)]
    further = [f"/tmp/slurm_bcast_1.HEX node{number} three" for number in (1, 2)]
    assert (fleet.shared / "out").read_text().splitlines() == ["1", *copies, *further, "rc 1", "rc 1", "step 3"]
    errors = (fleet.shared / "err").read_text().splitlines()
    assert errors[-2:] == [
        "srun: fatal: Failed to broadcast '/tmp/program'. Step launch aborted.",
        "srun: error: nosuchprogram: no such program here, so it cannot be copied",
    ]
    program = fleet.shared / "here"
    program.write_text("#!/bin/sh\necho here $SLURMD_NODENAME\n")
    program.chmod(0o755)
    done = fleet.run("msrun", "-N2", "--bcast=/tmp/there", str(program))
    assert sorted(done.stdout.splitlines()) == ["here node1", "here node2"], done.stderr
