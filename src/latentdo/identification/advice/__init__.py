"""What to do next: what to measure, which edge to rule out, where to experiment, what the data could contradict."""
