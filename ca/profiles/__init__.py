"""Certificate profiles as data: one TOML file per profile; `ca.profile_table` reads them.

    root                 P-384, signs the issuing authorities, key in the ceremony's file only
    issuing_persons      clients: persons, units, communities, staff      (clientAuth)
    issuing_machines     servers and the machines that sign               (serverAuth, machine signing)
    client_<window>      a user's certificate                             (URI urn:ferrygate:account:...)
    machine_<role>       a process's signing certificate                  (URI urn:ferrygate:machine:...)
    server               TLS server certificate                           (DNS names, addresses)

Invariant: an end entity has exactly one purpose and exactly one sort of name.
"""
