"""Instruments that judge one answer at a time; a leaf library that knows no pipeline."""

from verifiers.base import BadInput, Outcome, Result, Row, Verifier, available

__all__ = ["BadInput", "Outcome", "Result", "Row", "Verifier", "available"]
