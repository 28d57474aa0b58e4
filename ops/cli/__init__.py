"""The command line `ferrygate`: one module per subcommand."""
