"""README's two commands, typed on a machine that has only Python and git (`tox -e fresh`)."""
