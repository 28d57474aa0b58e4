"""The hall's own words in both languages, resolved once at start-up.

Each module of this package holds one `TEXTS` table (key -> Label) for one part of the hall; keys are unique over all
of them. Words of services and fields are not here: they come from the declarations in `wire_formats.catalogue`; words
of errors come from `wire_formats.error_texts`.
"""
