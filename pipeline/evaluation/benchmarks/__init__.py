"""The benchmarks: one small file each, found by its name."""
