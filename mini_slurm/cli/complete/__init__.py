"""Completion of the commands in bash, zsh and fish: what could stand where the cursor is."""
