"""The settings template in the ansible repo: what push-config checks, commits and pushes.

push                     from beginning to end: fetch, commit, rebase, show, check, ask, push
checkout, edited         what is there before, and what the checkout is brought to afterwards
worktree, remote         where it is tried; the server, and what became of a push
change                   what would be pushed: its lines, and the two checks
secrets, secret_names    what is hidden, and what must not be written out
template, unknown, names whether it becomes Python, whatever its variables are
"""
