"""Words of batch upload."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wire_formats.bilingual import Label

TEXTS: Final[Mapping[str, Label]] = {
    "batch_template": Label("下载模板", "Download the template"),
    "batch_step_template": Label(
        "下载 Excel 模板，只在空白行填写，不要改动表头。",
        "Download the Excel template. Fill in the empty rows and leave the heading as it is.",
    ),
    "batch_step_fill": Label(
        "证件号码等长数字列请保持“文本”格式。最多 {rows} 行，文件不超过 {size} MB。",
        "Keep columns with long numbers, such as ID numbers, as text. At most {rows} rows and {size} MB.",
    ),
    "batch_step_upload": Label(
        "上传文件。合格的行直接办理；不合格的行逐条列出原因，可下载更正。",
        "Upload it. Good rows go on; every other row is listed with its reasons and can be downloaded and mended.",
    ),
    "batch_columns": Label("各列说明", "The columns"),
    "batch_column": Label("列", "Column"),
    "batch_meaning": Label("填写说明", "What to enter"),
    "batch_file": Label("Excel 文件（.xlsx）", "Excel file (.xlsx)"),
    "batch_submit": Label("上传并检查", "Upload and check"),
    "batch_missing": Label("请选择要上传的文件", "Choose a file to upload"),
    "batch_not_xlsx": Label(
        "只接受 .xlsx 文件。旧格式请在 Excel 中另存为“Excel 工作簿”。",
        "Only .xlsx files are taken. Save older formats as “Excel workbook”.",
    ),
    "batch_title": Label("批量办理结果", "Result of your workbook"),
    "batch_file_name": Label("文件", "File"),
    "batch_uploaded": Label("上传时间", "Uploaded"),
    "batch_reading": Label("正在读取文件", "Reading the file"),
    "batch_under_way": Label("办理中", "Under way"),
    "batch_done": Label("办理完毕", "Finished"),
    "batch_done_some": Label("办理完毕，部分行需更正", "Finished; some rows need mending"),
    "batch_refused": Label("文件未被接受", "The file was not accepted"),
    "batch_refused_text": Label("没有办理任何一行。", "No row was handled."),
    "batch_rows": Label("总行数", "Rows"),
    "batch_accepted": Label("成功", "Accepted"),
    "batch_failed": Label("需更正", "To be mended"),
    "batch_waiting": Label("等待结果", "Waiting"),
    "batch_repeated": Label(
        "其中 {count} 行此前已成功办理，未重复生效。",
        "{count} of them had already been accepted before and took no second effect.",
    ),
    "batch_noted_clamped_low": Label(
        "其中 {count} 行低于缴费基数下限，已按下限核定。",
        "Of these, raised to the lower limit of the contribution base: {count}.",
    ),
    "batch_noted_clamped_high": Label(
        "其中 {count} 行高于缴费基数上限，已按上限核定。",
        "Of these, lowered to the upper limit of the contribution base: {count}.",
    ),
    "batch_noted_other": Label("{words}：{count} 行。", "{words}: {count}."),
    "batch_notices": Label("成功行的提示", "Notices on accepted rows"),
    "batch_notice": Label("提示", "Notice"),
    "batch_notices_text": Label(
        "这些行已成功办理，无须更正，请核对。", "These rows were accepted; nothing needs mending. Please look at them."
    ),
    "batch_notices_first": Label(
        "下表列出前 {shown} 条，共 {total} 条；下载的文件中有全部内容。",
        "The first {shown} of {total} are listed here; the download has them all.",
    ),
    "batch_notices_download": Label("下载全部提示（Excel）", "Download all notices (Excel)"),
    "batch_errors": Label("需更正的内容", "What to mend"),
    "batch_row": Label("行", "Row"),
    "batch_field": Label("列", "Column"),
    "batch_reason": Label("原因", "Reason"),
    "batch_code": Label("代码", "Code"),
    "batch_whole_row": Label("整行", "Whole row"),
    "batch_from_core": Label("核心系统", "Core"),
    "batch_from_page": Label("填写检查", "Page check"),
    "batch_found_by": Label("发现于", "Found by"),
    "batch_failed_download": Label("下载需更正的行（Excel）", "Download the rows to mend (Excel)"),
    "batch_again": Label(
        "请下载需更正的行，在该文件中更正后重新上传。已成功的行不会重复生效。",
        "Download the rows, mend them there and upload that file. Rows that were accepted never take effect twice.",
    ),
    "batch_again_link": Label("重新上传", "Upload again"),
    "batch_another": Label("上传另一个文件", "Upload another file"),
}
