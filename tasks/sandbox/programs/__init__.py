"""The programs that the sandbox hosts have instead of the real ones; standard library only, started with -I -S."""
