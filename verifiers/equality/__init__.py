"""Is this answer equal to that reference? From a response's text to a decision.

`text` spells, `extract` finds the final answer, `numerals` and `choices` decide the easy
cases; `lexer`, `parse`, `read` turn the rest into shapes, `compare` and `value` decide
them, and `symbolic` asks sympy and math-verify about what is left. `judge` runs in workers.
"""
