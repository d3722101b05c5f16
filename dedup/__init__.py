"""Near-duplicates and contamination among texts; a leaf library that knows no pipeline."""
