"""What runs inside the sandbox: standard library only, mounted read-only.

Outside only `frames`, constants of `programs` and `helpers`, and what says what this machine has
(`kernel`, `landlock`, `syscalls`) are used.
"""
