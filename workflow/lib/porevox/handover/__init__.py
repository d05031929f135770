"""A trained model as a folder that can be handed over: its record, its domain, and how it is read."""
