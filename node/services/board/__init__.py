"""Projection: what was appended, folded into the board and the text index."""
