"""The core zone: everything that may see production data.

Map: `db` tables and engine · `reference` dated parameters · `rules` pure business rules · `intake` the road of a
request from the inbox to the sealed answer · `services` one handler per catalogue service · `staff`, `city` the
staff window and the synthetic city. Imports only `wire_formats`; nothing outside the core opens the production DB.
"""
