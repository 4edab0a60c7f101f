#!/bin/bash
#SBATCH --requeue --open-mode=append --output=%x-%a.txt --job-name=trainer
srun python "$TASKS/trainer.py"
