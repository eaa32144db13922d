"""What people ask of the board and the records: lists, pages, the whole process, figures."""
