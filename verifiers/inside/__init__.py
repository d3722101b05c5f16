"""What runs inside the sandbox: standard library only, mounted read-only, never imported outside."""
