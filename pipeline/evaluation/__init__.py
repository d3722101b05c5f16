"""Measures models on benchmarks, in rounds of thinking; see docs/think-twice.md."""
