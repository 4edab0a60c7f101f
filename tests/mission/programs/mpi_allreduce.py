"""An MPI program, by way of Open MPI's C library: the sum over all ranks, on all of them."""

import ctypes
import os

mpi = ctypes.CDLL("libmpi.so.40", mode=ctypes.RTLD_GLOBAL)


def handle(name):
    return ctypes.byref(ctypes.c_char.in_dll(mpi, name))


mpi.MPI_Init(None, None)
world = handle("ompi_mpi_comm_world")
rank, size, total = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
mpi.MPI_Comm_rank(world, ctypes.byref(rank))
mpi.MPI_Comm_size(world, ctypes.byref(size))
mine = ctypes.c_int(rank.value + 1)
mpi.MPI_Allreduce(ctypes.byref(mine), ctypes.byref(total), 1, handle("ompi_mpi_int"), handle("ompi_mpi_op_sum"), world)
print(f"rank {rank.value} of {size.value} on {os.uname().nodename}: {total.value}", flush=True)
mpi.MPI_Finalize()
