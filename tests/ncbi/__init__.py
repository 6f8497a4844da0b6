"""A local NCBI: E-utilities over real HTTP with synthetic records. `python -m tests.ncbi --help` runs it by hand."""
