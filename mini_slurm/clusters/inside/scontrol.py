"""scontrol within a job of PBS: `show hostnames` and `show hostlist`, which scripts need.

Stands alone, as `source` of pbs.py puts it together.
"""

from __future__ import annotations

import os
import sys

from mini_slurm.clusters.inside.hostlist import compress, expand


def main(words: list[str]) -> int:
    """Print the hosts of a hostlist, of the job's without one; or the hostlist of hosts."""
    if words[:2] == ["show", "hostlist"] and len(words) == 3:
        print(compress(words[2].split(",")))
        return 0
    if words[:2] not in (["show", "hostnames"], ["show", "hostname"]) or len(words) > 3:
        sys.stderr.write(f"scontrol: error: {' '.join(words)}: not to be had within a job of PBS\n")
        return 1
    text = words[2] if len(words) > 2 else os.environ.get("SLURM_JOB_NODELIST", "")
    try:
        hosts = expand(text)
    except ValueError:
        sys.stderr.write(f"Invalid hostlist: {text}\n")
        return 1
    for host in hosts:
        print(host)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
