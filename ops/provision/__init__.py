"""Makes an installation: folders, keys, settings, databases, a synthetic city, demo accounts."""
