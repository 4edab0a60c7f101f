#!/bin/bash
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=2
#SBATCH --exclusive
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_btl=tcp,self
mpirun python mpi_allreduce.py
echo "mpirun ended with $?"
mpirun -npernode 1 bash -c 'exit $((OMPI_COMM_WORLD_RANK == 2 ? 2 : 0))' 2> mpirun.err
echo "mpirun ended with $?"
