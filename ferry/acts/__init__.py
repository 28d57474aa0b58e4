"""Acts of gatekeeper operators (网闸操作员): held bundles released or rejected by two, lanes paused and resumed by one.

    act       what is said, signed by an operator, or countersigned by the console for one who showed his certificate
    ledger    every act, hash-chained; also the memory of what was agreed and what is paused
    held      the held bundles, each with its reason
    station   the half's own part: reads acts, checks them, does what two operators agreed on
    released  the way of a released bundle back through every check
    view      what may be shown of a held bundle

A half does nothing because a file lies somewhere: it believes signatures of operators it knows, and counts people.
What is quarantined has no way back: no code here reads that folder.

Source: research, section 7, point 9; docs/gatekeeper.md.
"""
