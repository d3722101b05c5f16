"""Teachers behind one seam: questions in, replies out as they arrive, each kept at once."""
