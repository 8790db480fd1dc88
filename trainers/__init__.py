"""All that learns, or prepares learning and scoring."""
