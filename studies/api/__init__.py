"""The read API: the catalogue for programs, from the same queries and with the same rights as the pages."""
