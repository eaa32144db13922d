"""Services: the verbs of a record's life. Synchronous; one thread (the core), one transaction a step."""
