"""How files lie on the gap.  ``port`` is what every transport promises; one contract suite proves it."""
