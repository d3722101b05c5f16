"""Where questions come from: one file a source, found by its name."""
