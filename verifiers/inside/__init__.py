"""What runs inside the sandbox: standard library only, mounted read-only.

Outside only `frames`, and constants of `programs`, are used.
"""
