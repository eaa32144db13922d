"""Services: the verbs of a record's life. Synchronous; called from one thread (the core) inside one transaction a step."""
