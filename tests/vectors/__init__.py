"""Golden vectors: bytes another team must be able to read and write; see ``generate``."""
