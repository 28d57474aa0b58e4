"""The staff window (经办窗口): worklist, case page, decisions; reached from inside only.

    browser ══TLS, client certificate══▶ service ─▶ site (limits, session, token) ─▶ pages in threads
    pages ─▶ worklist, case_file (read)   case_desk (open, release, decide: one transaction each)

What always holds here: a certificate bound to the operator is looked at on every request; an operator reaches cases
of the own district only; a case is moved by `core.services.case_book.move_case` and takes effect by
`core.services.case_effects` alone; whoever looks at a person's data leaves a row in `access_log`.
"""
