"""Records written as files of reference: one module a format, each the reverse of its reader in `sources`."""
