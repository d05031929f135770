"""Learning: RetNet, its recipe, the forest, and the files of a run."""
