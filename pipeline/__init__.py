"""Turns open question sets into a verified, published reasoning dataset."""
