#!/bin/bash
#SBATCH --job-name=tmgg-experiment
#SBATCH --nodes=4
#SBATCH --exclusive
#SBATCH --tasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --gpus-per-task=1
#SBATCH --mem-per-cpu=4GB
#SBATCH --time=08:00:00
#SBATCH --partition=gpu
#SBATCH --output=slurm_outputs/run.out
#SBATCH --error=slurm_outputs/run.err

# Environment setup (from slurm_setup_commands)
module load cuda/12.1
source activate tmgg

# Get head node IP for Ray cluster
nodes=$(scontrol show hostnames "$SLURM_JOB_NODELIST")
nodes_array=($nodes)
head_node=${nodes_array[0]}
ip_head=$head_node:6379
export ip_head

# Start Ray cluster using symmetric-run
srun --nodes="$SLURM_JOB_NUM_NODES" --ntasks="$SLURM_JOB_NUM_NODES" \
    ray symmetric-run \
    --address "$ip_head" \
    --min-nodes "$SLURM_JOB_NUM_NODES" \
    --num-cpus="${SLURM_CPUS_PER_TASK}" \
    --num-gpus="${SLURM_GPUS_PER_TASK}" \
    -- \
    python -u -c "print('TMGG_RESULT:{\"status\":\"completed\"}')"
