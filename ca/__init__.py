"""The certificate authority: slips, certificates, revocation. It runs in the core zone, as its own process.

    profile_table, profiles/       what each sort of certificate is, as data
    names, template, lint          from an order to the bytes to be signed, and the house rules (pure)
    serials, slip_codes, lifecycle numbers, secrets of a slip, the two stored lives (pure)
    ledger*, *_rows, hash_log      the database: tables, triggers, transactions, the chained record
    issue, requests, accounts      reserve, lint, record, sign, compare, store, log
    slips, pkcs12, revoke          prepare, enable, download, revoke
    deny_publisher, crl            what the other zones and outsiders learn of revocations
    desk, desk_server, service     the running role behind its Unix socket
    ceremony, provision, zone_files, authority_keys, cli    set-up and the operator's words

Invariants
    nothing is signed that was not linted and recorded, and the signed bytes are the recorded ones
    no client's private key, code or certificate password is ever at rest in clear
    no slip works before it was enabled, twice, after five wrong codes, or after its time
    no state changes but by the tables in `lifecycle`; the database enforces it
    whatever ends is on the deny list, also a certificate whose signing was interrupted
"""
