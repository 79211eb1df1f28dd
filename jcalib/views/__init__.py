"""Figures: each takes what a study or a map hands it, trains nothing, and returns a matplotlib Figure."""
