"""What a machine has: each probe is a command and a parser of its output."""
