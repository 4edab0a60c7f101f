"""How results look: one row of a table for each column that a command can print. Pure."""
