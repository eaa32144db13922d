"""The verbs of supervision matters, and the rules that say when each may be used."""
