"""Storage: tables, the record log, the board of projections, neighbours, attachments. Rows stay in here."""
