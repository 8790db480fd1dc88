"""Labels from reports: text to CheXbert's fourteen findings."""
