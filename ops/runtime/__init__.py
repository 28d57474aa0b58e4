"""What every process needs around its zone: log, metrics page, clock, watch, pools, limits, start-up, stop."""
