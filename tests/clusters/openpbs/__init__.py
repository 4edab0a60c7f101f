"""A stand-in for OpenPBS which really runs jobs, on this machine, and prints what an OpenPBS 23.06 printed.

Standard library only: a copy of this package stands beside the programs that `install` makes of it.
"""
