"""Fine-tunes a student on a published dataset, and says what that was worth."""
