"""The parts of `benches/compare.py`, named by what they measure."""
