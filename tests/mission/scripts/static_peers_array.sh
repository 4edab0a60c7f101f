#!/bin/bash
#SBATCH --array=1-10           # 10 independent runs
#SBATCH --nodes=4

# Each array task gets different community
export ASOC_COMMUNITY="benchmark-run-${SLURM_ARRAY_TASK_ID}"

srun python slurm_benchmark.py ...
