"""Links between neighbours: what may be stored, what is missing, what to send next. Pure."""
