"""Admission control: who may come in when more is asked than can be answered, and in which order.

    session_marks  which session cookies a worker has confirmed: a bounded table that all children of an edge share
    usual_times    how long a kind of request takes when little is going on (pure)
    limiter        how many requests may be under way, so that they take not much longer than usual (pure)
    line           who waits, who is next, who has waited long enough to be told no (pure)
    gate           the three put before firewall and content switch (I/O)
    overloaded     the refusal

Order: signed-in users before strangers, forms before pages before uploads. Strangers are shed first, then batch, then
pages of signed-in users, forms last. What is refused has not been handed on: nothing of it is saved anywhere.

Source: decision 0017; catalogue E11.
"""
