"""What is trained: the blocks of a model, their coordinates, the ways to train, and the draws that training leaves."""
