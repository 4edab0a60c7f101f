"""The program on the machines: starts, watches and ends jobs. Standard library of Python 3.8 only: it travels."""
