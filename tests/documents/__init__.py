"""The documents are held to the program; `tox -e docs` writes again what is made from it."""
