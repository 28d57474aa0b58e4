"""Excel workbooks, turned into rows before anything crosses the gap (invariant 8).

Map: ``limits`` (every bound) · ``container`` (the zip, checked before it is opened) · ``markup`` (XML without
DTD or entities) · ``sheet`` (cells and rows as values) · ``reader`` (bytes to a sheet, pure) · ``reader_child``
(the reader in a killable process) · ``reader_process`` (starts that process) · ``interpret`` (sheet to checked
rows) · ``template`` and ``failed_rows`` (workbooks we write).

``limits``, ``container``, ``markup``, ``sheet``, ``reader`` and ``reader_child`` use the standard library and
``wire_formats.errors`` only: the child starts with neither site-packages nor environment.
"""
