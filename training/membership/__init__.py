"""Whether an outsider could tell that a sample was trained on: scores, what they reveal, and the strongest attack."""
