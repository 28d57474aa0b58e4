"""The failed rows in the same template, each with its reasons; corrected, it can be uploaded as it is.

The reader does not know the reasons column and ignores it. Source: catalogue B16.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dmz.workers.workbook.template import FilledRow, write_workbook
from wire_formats.bilingual import Label, Language
from wire_formats.catalogue import Service


def make_failed_rows(
    entry: Service,
    language: Language,
    form_texts: Mapping[str, str],
    rows: Sequence[tuple[Mapping[str, str], Sequence[Label]]],
) -> bytes:
    """A workbook of failed rows.

    Args:
        entry: The service.
        language: Which language comes first in the instructions.
        form_texts: The form's fields as they were typed.
        rows: For each failed row its texts as typed, and its reasons.
    """
    filled = [FilledRow(texts, reasons) for texts, reasons in rows]
    return write_workbook(entry, language, form_texts=form_texts, rows=filled)
