"""Names put together by chance from common parts; any likeness to a real name is chance, too."""

from __future__ import annotations

from random import Random
from typing import Final

_SURNAMES: Final = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余杜叶程魏苏吕丁任沈"
_DOUBLE_SURNAMES: Final = ("欧阳", "司马", "上官", "诸葛")
_GIVEN: Final = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂英华玉兰红梅鹏飞宇浩然子涵欣怡雨晨嘉俊思佳文博建国志海燕晓东春秋云龙"
)
_BRANDS: Final = "江汉楚荆洪昌盛鑫瑞恒泰宏达远航博雅致诚信义和润丰茂联创众合智慧光谷东湖长青金银星辰"
_TRADES: Final = (
    ("机械制造", 4),
    ("商贸", 1),
    ("物流", 3),
    ("建筑工程", 6),
    ("信息技术", 1),
    ("餐饮管理", 2),
    ("医药", 2),
    ("纺织", 3),
    ("教育咨询", 1),
    ("汽车零部件", 4),
    ("化工", 7),
    ("矿业", 8),
    ("食品", 2),
    ("电子", 2),
)
_FORMS: Final = ("有限公司", "股份有限公司", "有限责任公司", "集团有限公司")
_QUARTERS: Final = "花园湖滨广场新村公园古田常青解放友谊建设和平胜利中山民主团结红旗江堤梨园桃源"


def person_name(chance: Random) -> str:
    """Give a name of two to four characters."""
    surname = chance.choice(_DOUBLE_SURNAMES) if chance.random() < 0.01 else chance.choice(_SURNAMES)
    given = chance.choice(_GIVEN)
    return surname + given + (chance.choice(_GIVEN) if chance.random() < 0.8 else "")


def unit_name(chance: Random, number: int) -> tuple[str, int]:
    """Give a unit's name and the risk class of its trade (1 to 8); the number keeps names apart."""
    trade, injury_class = chance.choice(_TRADES)
    brand = chance.choice(_BRANDS) + chance.choice(_BRANDS)
    return f"武汉{brand}{trade}{chance.choice(_FORMS)}（{number:05d}）", injury_class


def community_name(chance: Random, district: str, number: int) -> str:
    """Give a community's name."""
    quarter = chance.choice(_QUARTERS) + chance.choice(_QUARTERS)
    return f"{district}{quarter}社区（{number:04d}）"
