"""An MPI program, by way of MPICH's C library: the sum over all ranks, on all of them."""

import ctypes
import os

mpi = ctypes.CDLL("libmpich.so.12", mode=ctypes.RTLD_GLOBAL)
WORLD, INT, SUM = 0x44000000, 0x4C000405, 0x58000003  # mpi.h

mpi.MPI_Init(None, None)
rank, size, total = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
mpi.MPI_Comm_rank(WORLD, ctypes.byref(rank))
mpi.MPI_Comm_size(WORLD, ctypes.byref(size))
mine = ctypes.c_int(rank.value + 1)
mpi.MPI_Allreduce(ctypes.byref(mine), ctypes.byref(total), 1, INT, SUM, WORLD)
print(f"rank {rank.value} of {size.value} on {os.uname().nodename}: {total.value}", flush=True)
for _ in range(100):
    mpi.MPI_Barrier(WORLD)
mpi.MPI_Finalize()
