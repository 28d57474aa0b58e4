"""Business rules as pure functions: no database, no clock, no sockets.

Two wait for the services that will call them: `late_fee` (arrears) and `approval.drawn_for_audit` (post-audit).
"""
