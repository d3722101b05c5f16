"""Turns open question sets into a verified, published reasoning dataset."""

import os

# OpenMP's threads burn their core while they wait for each other. Beside any other busy
# process that made the in-process teacher thirty times slower (docs/log.md); it has to be
# said before torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
