"""Words on every page: masthead, navigation, buttons, pagination, time-out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wire_formats.bilingual import Label

TEXTS: Final[Mapping[str, Label]] = {
    "hall": Label("社会保险网上办事大厅", "Social Insurance Online Hall"),
    "city_bureau": Label("市人力资源和社会保障局", "Municipal Human Resources and Social Security Bureau"),
    "skip": Label("跳到正文", "Skip to main content"),
    "other_language": Label("English", "中文"),
    "other_language_hint": Label("Show this page in English", "用中文显示本页"),
    "home": Label("首页", "Home"),
    "site_home": Label("公共服务网站", "Public site"),
    "help": Label("帮助", "Help"),
    "accessibility": Label("无障碍声明", "Accessibility"),
    "log_out": Label("退出", "Sign out"),
    "menu": Label("大厅导航", "Hall"),
    "you_are_here": Label("当前位置", "You are here"),
    "signed_in_as": Label("已登录：{name}", "Signed in as {name}"),
    "time_out_at": Label("无操作将于 {time} 自动退出", "Signed out at {time} if idle"),
    "late_title": Label("即将于 {time} 自动退出", "You will be signed out at {time}"),
    "late_keep_form": Label("保存草稿并继续", "Save my input and stay"),
    "late_keep": Label("继续使用", "Stay signed in"),
    "page_error_prefix": Label("有误：", "Error: "),
    "there_is_a_problem": Label("请更正以下内容", "There is a problem"),
    "optional": Label("（选填）", " (optional)"),
    "yes": Label("是", "Yes"),
    "no": Label("否", "No"),
    "choose": Label("请选择", "Choose"),
    "any": Label("不限", "Any"),
    "yuan": Label("元", "yuan"),
    "back": Label("返回", "Back"),
    "continue": Label("继续", "Continue"),
    "cancel": Label("取消", "Cancel"),
    "change": Label("修改", "Change"),
    "nothing": Label("—", "—"),
    "page_of": Label("第 {page} 页，共 {pages} 页（{total} 条）", "Page {page} of {pages} ({total} in all)"),
    "previous": Label("上一页", "Previous"),
    "next": Label("下一页", "Next"),
    "pagination": Label("翻页", "Pages"),
    "print_hint": Label("本页可直接打印。", "This page can be printed as it is."),
    "beijing_time": Label("北京时间", "Beijing time"),
    "foot_line": Label(
        "本大厅全天开放。任何页面均无需启用脚本。", "The hall is open day and night. No page needs scripts."
    ),
    "window_unit": Label("单位办事大厅", "Employer window"),
    "window_community": Label("社区办事大厅", "Community window"),
    "window_person": Label("个人办事大厅", "Individual window"),
    "window_site": Label("公共服务网站", "Public site"),
    "for_unit": Label(
        "参保单位办理职工增减、工资申报和各项查询",
        "Employers enrol employees, declare wages and look up their accounts",
    ),
    "for_community": Label(
        "社区社保专干为居民代办业务",
        "Community specialists act for residents",
    ),
    "for_person": Label(
        "参保人员查询本人缴费和办理个人业务",
        "Insured persons look up their contributions and handle their own cases",
    ),
}
