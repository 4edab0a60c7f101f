"""What is said about the commands: help pages, man pages, the reference and completion, made from their tables."""
