"""Words of the console's media pages in both languages."""

from __future__ import annotations

from typing import Final

from wire_formats.bilingual import Label

#: What an operator asks for: the buttons, and the head of what came of it.
ORDERS: Final = {
    "register": Label("登记", "Register"),
    "prepare": Label("准备导出", "Prepare the export"),
    "sign": Label("提交签名", "Hand in the signature"),
    "write": Label("写入介质", "Write the medium"),
    "cancel": Label("取消这次导出", "Cancel this export"),
    "take_receipt": Label("收回执", "Take the receipt in"),
    "look": Label("查看清单", "Look at the manifest"),
    "import": Label("导入", "Import"),
    "receipt": Label("写回执", "Write the receipt"),
    "sanitised": Label("登记清除", "Note as sanitised"),
    "lost": Label("登记丢失", "Note as lost"),
    "export": Label("导出", "Export"),
}
#: Lines of the register.
MEDIA_ACTS: Final = {
    "registered": Label("登记", "registered"),
    "prepared": Label("准备导出", "export prepared"),
    "signed": Label("签名", "signed"),
    "cancelled": Label("取消导出", "export cancelled"),
    "exported": Label("导出", "exported"),
    "receipt_taken": Label("收回执", "receipt taken in"),
    "import_begun": Label("开始导入", "import begun"),
    "imported": Label("导入完成", "imported"),
    "import_refused": Label("拒绝导入", "import refused"),
    "receipt_written": Label("写回执", "receipt written"),
    "refused": Label("拒绝", "refused"),
    "sanitised": Label("清除或销毁", "sanitised or destroyed"),
    "lost": Label("丢失", "lost"),
}
MEDIA_TEXTS: Final = {
    "colon": Label("：", ": "),
    "comma": Label("，", ", "),
    "media_register": Label("登记簿", "Register"),
    "media_export": Label("导出", "Export"),
    "media_import": Label("导入", "Import"),
    "media_one": Label("介质", "Medium"),
    "media_register_one": Label("登记空白介质", "Register a blank medium"),
    "media_label": Label("标签", "Label"),
    "media_once": Label("一次写入（光盘）", "written once (a disc)"),
    "media_write_once": Label("一次写入", "written once"),
    "media_rewritable": Label("可重复写入", "rewritable"),
    "media_kind": Label("类型", "Kind"),
    "media_last": Label("最近一次", "Last passage"),
    "media_place": Label("挂载位置", "Place"),
    "media_free": Label("剩余空间", "Free"),
    "media_mounted": Label("已挂载", "mounted"),
    "media_plain": Label("普通文件夹", "a plain folder"),
    "media_missing": Label("不存在", "not there"),
    "media_ro": Label("只读", "read only"),
    "media_rw": Label("可写", "writable"),
    "media_ours": Label("有本系统内容", "holds an export"),
    "media_empty": Label("无本系统内容", "holds no export"),
    "media_row_number": Label("批次", "Number in the row"),
    "media_until": Label("有效期至", "Usable until"),
    "media_sender": Label("发送方", "Sender"),
    "media_lane_interactive": Label("交互", "interactive"),
    "media_lane_bulk": Label("批量", "bulk"),
    "media_lane_control": Label("控制", "control"),
    "media_files_of": Label("个文件，", "files, "),
    "media_prepare": Label("准备", "Prepare"),
    "media_which_lanes": Label("导出哪些通道", "Files of which lanes"),
    "media_which": Label("写到哪份介质", "Onto which medium"),
    "media_none_blank": Label("登记簿中没有空白或已清除的介质。", "No medium of the register is blank or sanitised."),
    "media_prepare_note": Label(
        "准备后，这些文件留给这次导出，直到写入或取消；其间不会另行导出或重发。",
        "Prepared, these files are kept for this export until it is written or cancelled; they go nowhere else.",
    ),
    "media_what_is_signed": Label("待签清单", "What is signed"),
    "media_signed_by": Label("已签名：", "Signed by"),
    "media_sign": Label("签名", "Sign"),
    "media_sign_how": Label(
        "两名不同的操作员各自在自己的电脑上签名；私钥和口令不经过本网页，也不到达本服务器。",
        "Two different operators sign, each at his own machine. No key and no passphrase comes to this page or server.",
    ),
    "media_sign_1": Label("下载待签清单。", "Download what is to be signed."),
    "media_sign_2": Label(
        "用本人密钥签名；命令会显示内容，请核对摘要与本页一致：",
        "Sign it with your own key; the command shows what it says. Compare the digest with this page:",
    ),
    "media_sign_card": Label("用 PIV 卡：--key card", "With a PIV card: --key card"),
    "media_sign_3": Label("提交签名文件。", "Hand in the signature."),
    "media_statement": Label("待签清单文件", "Statement"),
    "media_signature": Label("签名文件", "Signature file"),
    "media_write": Label("写入", "Write"),
    "media_write_how": Label(
        "将空白介质挂载到下列位置之一（可写），再写入。写完自动回读核对并登记。",
        "Mount the blank medium, writable, at one of these places. It is written, read back, and registered.",
    ),
    "media_no_places": Label(
        "ferry_media.toml 未设挂载位置（places），见 docs/media.md。",
        "ferry_media.toml names no places; docs/media.md shows how.",
    ),
    "media_back": Label("途中的介质与回执", "On their way, and receipts"),
    "media_none_away": Label("没有在途介质。", "No medium is on its way."),
    "media_print": Label("打印交接单", "Print the slip"),
    "media_receipt_file": Label("带回的回执文件", "Receipt that came back"),
    "media_look": Label("查看", "Look first"),
    "media_look_how": Label(
        "以只读方式挂载（mount -o ro,nosuid,nodev,noexec），先查看清单：只读清单和签名，不读内容，不作登记。",
        "Mount it read-only (mount -o ro,nosuid,nodev,noexec) and look at its manifest: signatures are checked, "
        "nothing of the content is read, nothing is entered.",
    ),
    "media_looked": Label("清单", "The manifest"),
    "media_import_how": Label("请将摘要与交接单核对，一致后再导入。", "Compare the digest with the slip, then import."),
    "media_earlier_missing": Label("此前未到的介质数：", "Earlier media of this row that have not come here:"),
    "media_begun": Label("上次导入中断，将从中断处继续。", "Its import was interrupted and goes on where it stopped."),
    "media_taken": Label("这份内容已经导入过。", "This filling was imported already."),
    "media_came": Label("已导入与回执", "What came, and receipts"),
    "media_none_came": Label("没有待处理的介质。", "No medium waits for anything."),
    "media_receipt_how": Label(
        "网闸取走全部文件之后才能写回执；下载后随另一介质带回，再登记清除。",
        "A receipt can be written once the half has taken all files. Download it, carry it back on another medium, "
        "then note this one as sanitised.",
    ),
    "media_receipt": Label("回执", "Receipt"),
    "media_download": Label("下载回执", "Download the receipt"),
    "media_note_sanitised": Label("已清除或销毁", "It was sanitised or destroyed"),
    "media_note_lost": Label("已丢失", "It is lost"),
    "media_note_what": Label(
        "清除、销毁由人完成，这里只作登记；登记丢失后，其文件归入下一份介质。",
        "Sanitising is people's work, here it is noted. The files of a lost medium go onto the next one.",
    ),
    "media_pending": Label("已提交，等待介质台处理……", "Handed over; waiting for the media clerk ..."),
    "media_busy_with": Label("正在进行：", "Under way:"),
    "media_clerk_down": Label(
        "介质台（ferry_media）未运行：本页只能查看。可启动它，或在命令行完成（ferrygate ferry media）。",
        "The media clerk (ferry_media) does not run: this page only looks. Start it, or use ferrygate ferry media.",
    ),
    "media_trial": Label(
        "试用设置：普通文件夹可充当介质，且可写（plain_folders）。正式使用前请关闭。",
        "Trial setting: a plain, writable folder may stand for a medium (plain_folders). Turn it off for real use.",
    ),
    "media_low_note": Label(
        "低侧守闸台只读。低侧的导出、导入与回执在低侧机器的命令行完成，命令如下。",
        "The low side's console only looks. Its exports, imports and receipts are done at its machine's command line:",
    ),
    "media_no_file": Label("没有选择文件。", "No file was chosen."),
    "media_too_large": Label("文件过大：不是签名或回执。", "The file is too large for a signature or a receipt."),
    "media_no_serial": Label(
        "介质编号须为 4 至 32 位字母、数字或中间的连字符。",
        "A medium's serial has 4 to 32 letters, digits and inner hyphens.",
    ),
    "media_no_label": Label("标签最多 64 个字符。", "A label has at most 64 characters."),
    "media_no_lanes": Label("至少选择一个通道。", "Choose at least one lane."),
    "media_no_place": Label("没有可用的挂载位置。", "No place was chosen."),
    "media_no_clerk": Label("介质台未运行，未提交。", "The media clerk does not run; nothing was handed over."),
    "media_busy": Label(
        "介质台繁忙，未提交，请稍候再试。", "The media clerk is busy; nothing was handed over. Try again."
    ),
}
EXPORT_STEPS: Final = (
    Label("准备", "Prepare"),
    Label("第一名操作员签名", "First operator signs"),
    Label("第二名操作员签名", "Second operator signs"),
    Label("写入介质", "Write the medium"),
    Label("打印交接单，递送", "Print the slip, hand over"),
    Label("收回执", "Receipt comes back"),
)
IMPORT_STEPS: Final = (
    Label("只读挂载，查看清单", "Mount read-only, look"),
    Label("核对交接单，导入", "Compare with the slip, import"),
    Label("网闸逐一检查", "The half checks each file"),
    Label("写回执，带回", "Write the receipt, carry it back"),
    Label("清除或销毁介质", "Sanitise or destroy it"),
)
