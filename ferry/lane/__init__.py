"""Pure decisions of a lane: no files, no clock, no reactor.  Time comes in as numbers."""
