# SPDX-License-Identifier: MIT
"""The names of mpi4py's module MPI: from runrig import MPI.

Importing joins the launcher, as mpi4py's import initialises MPI.
"""
from ._operands import (ANY_SOURCE, ANY_TAG, BAND, BOOL, BOR, BXOR, BYTE,
                        C_BOOL, CHAR, COMPLEX, DOUBLE, DOUBLE_COMPLEX, FLOAT,
                        IN_PLACE, INT, INT32_T, INT64_T, LAND, LONG, LONG_LONG,
                        LOR, LXOR, MAX, MIN, PROC_NULL, PROD, SHORT,
                        SIGNED_CHAR, SUM, UINT32_T, UINT64_T, UNDEFINED,
                        UNSIGNED_CHAR, Datatype, Op, Request, Status)
from ._ranks import Cartcomm, Comm, Compute_dims, Wtime, join, leave

COMM_WORLD = join()
Finalize = leave

__all__ = [
    "ANY_SOURCE", "ANY_TAG", "BAND", "BOOL", "BOR", "BXOR", "BYTE", "CHAR",
    "COMM_WORLD", "COMPLEX", "C_BOOL", "Cartcomm", "Comm", "Compute_dims",
    "DOUBLE", "DOUBLE_COMPLEX", "Datatype", "FLOAT", "Finalize", "INT",
    "INT32_T", "INT64_T", "IN_PLACE", "LAND", "LONG", "LONG_LONG", "LOR",
    "LXOR", "MAX", "MIN", "Op", "PROC_NULL", "PROD", "Request", "SHORT",
    "SIGNED_CHAR", "SUM", "Status", "UINT32_T", "UINT64_T", "UNDEFINED",
    "UNSIGNED_CHAR", "Wtime",
]
