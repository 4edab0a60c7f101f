"""Where commands and the Python client hand in what users want. Nothing is printed here."""
