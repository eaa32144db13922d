"""The command line: one file per noun. It parses, asks the running node over its socket, renders; no rule is here."""
