"""The programs that the sandbox hosts have instead of the real ones; standard library only, started with -I -S.

An upgrade of two hosts starts some seventy of them, so what every one of them imports has to be cheap: whatever imports
enum, re or collections (json, signal, socket, contextlib, pathlib, typing) takes longer than all that most of them do.
"""
