#!/bin/bash
#SBATCH --nodes=2 --ntasks-per-node=2 --output=%x-%a.txt --job-name=value
srun --kill-on-bad-exit=1 python "$TASKS/task.py" "$@"
