"""Files that people exchange: xlsx in and out, and the directory of offices."""
