"""The first load: much that waits beside little that is stored, compared in columns and not record by record."""
