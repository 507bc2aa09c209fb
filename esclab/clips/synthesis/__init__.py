"""Sound generators of the synthetic dataset: blocks, the ten classes, the scenery around them, and whole clips."""
