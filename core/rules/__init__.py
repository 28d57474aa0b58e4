"""Business rules as pure functions: no database, no clock, no sockets."""
