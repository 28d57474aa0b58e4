"""Golden vectors and properties over all parsers."""
