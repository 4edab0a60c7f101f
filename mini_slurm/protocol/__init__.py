"""What controller and agent say to each other. Pure; standard library of Python 3.8 only: it travels."""
