"""Reading what reports say of findings: words, cues, and how far each of them reaches."""
