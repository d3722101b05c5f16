"""The constraints that an answer can be checked for, split by their kind.

`{"id": "length_constraints:number_words", "kwargs": {"num_words": 300, "relation": "at least"}}`
is one of IFEval's 25 types; the modules `bench_*` hold those of IFBench. `registry` says what
a constraint is and reads it; `judging` judges an answer by several.
"""

from __future__ import annotations
