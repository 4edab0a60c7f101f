#!/bin/bash
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --gres=gpu:4           # 4 GPUs per node
#SBATCH --partition=gpu
#SBATCH --time=02:00:00

module load cuda/12.0
module load python/3.11

# Set GPU-specific environment
export CUDA_VISIBLE_DEVICES=0,1,2,3

# Run benchmark
srun python slurm_benchmark.py \
     --rank $SLURM_PROCID \
     --world-size $SLURM_JOB_NUM_NODES \
     --tensor-size-mb 1000        # 1GB tensors
