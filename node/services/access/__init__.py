"""Who acts: accounts, roles, rights, scope, the console's credentials and audit log."""
