"""Short answers: options and their labels, what an answer chooses, words that are the same.

`words` spells and compares, `options` reads the options of a question, `claims` finds what a
response says its answer is. `verifiers.short_answer` puts them together.
"""

from __future__ import annotations
