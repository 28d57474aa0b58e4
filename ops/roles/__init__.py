"""One module per kind of process: reads its settings file and puts one zone's parts together."""
