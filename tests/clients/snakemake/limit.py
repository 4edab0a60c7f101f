"""A rule whose job does not end within its limit; prints Snakemake's exit status and the state that it names."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

SNAKEFILE = Path(__file__).parent / "Snakefile"
OPTIONS = ("--executor", "slurm", "--jobs", "1", "--default-resources", "slurm_partition=main")
EARLY = ("--slurm-init-seconds-before-status-checks", "2")
words = ["snakemake", "-s", str(SNAKEFILE), "-d", "limit", *OPTIONS, *EARLY, "slow.txt"]
done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
told = re.findall("SLURM status is: '([A-Z]+)'", done.stdout)
print(json.dumps([done.returncode, *told]))
