"""Learning: RetNet, its recipe, and the files of a run."""
