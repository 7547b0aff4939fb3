"""The sections of GB/T 4754, the industrial classification of China, in its editions: letters and names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from spatial.errors import DataError, did_you_mean, name_ids

__all__ = ["EDITIONS", "SECTIONS", "Section", "section_names"]

EDITIONS = ("GB/T 4754-2017", "GB/T 4754-2011", "GB/T 4754-2002")


@dataclass(frozen=True)
class Section:
    """One section: its short name, in Chinese and in English, its letters by edition, its longer names."""

    name: str
    en: str
    letter: str
    """Of 2011 and 2017, which have the same sections."""
    letter_2002: str
    longer: tuple[str, ...] = ()


# GB/T 4754-2017, 4754-2011 and 4754-2002, annexes of sections (门类).
SECTIONS = (
    Section(
        "农林牧渔业",
        "Agriculture, forestry, animal husbandry and fishery",
        "A",
        "A",
        ("农、林、牧、渔业", "第一产业"),
    ),
    Section("采矿业", "Mining", "B", "B", ("采掘业",)),
    Section("制造业", "Manufacturing", "C", "C"),
    Section(
        "电力热力燃气及水生产和供应业",
        "Electricity, heat, gas and water",
        "D",
        "D",
        (
            "电力、热力、燃气及水生产和供应业",
            "电力、燃气及水的生产和供应业",
            "电力煤气及水的生产和供应业",
            "电力燃气及水的生产和供应业",
        ),
    ),
    Section("建筑业", "Construction", "E", "E"),
    Section("批发和零售业", "Wholesale and retail trade", "F", "H", ("批发零售业", "批发零售贸易业")),
    Section(
        "交通运输仓储和邮政业",
        "Transport, storage and post",
        "G",
        "F",
        ("交通运输、仓储和邮政业", "交通运输、仓储及邮政业", "交通运输仓储及邮政业"),
    ),
    Section("住宿和餐饮业", "Hotels and catering", "H", "I", ("住宿餐饮业",)),
    Section(
        "信息传输软件和信息技术服务业",
        "Information transmission, software and information technology",
        "I",
        "G",
        (
            "信息传输、软件和信息技术服务业",
            "信息传输、计算机服务和软件业",
            "信息传输计算机服务和软件业",
        ),
    ),
    Section("金融业", "Finance", "J", "J"),
    Section("房地产业", "Real estate", "K", "K"),
    Section("租赁和商务服务业", "Leasing and business services", "L", "L", ("租赁商务服务业",)),
    Section(
        "科学研究和技术服务业",
        "Scientific research and technical services",
        "M",
        "M",
        (
            "科学研究、技术服务和地质勘查业",
            "科学研究、技术服务业和地质勘查业",
            "科学研究技术服务和地质勘查业",
        ),
    ),
    Section(
        "水利环境和公共设施管理业",
        "Water conservancy, environment and public facilities",
        "N",
        "N",
        ("水利、环境和公共设施管理业",),
    ),
    Section(
        "居民服务修理和其他服务业",
        "Household services, repair and other services",
        "O",
        "O",
        ("居民服务、修理和其他服务业", "居民服务和其他服务业"),
    ),
    Section("教育", "Education", "P", "P", ("教育业",)),
    Section(
        "卫生和社会工作",
        "Health and social work",
        "Q",
        "Q",
        ("卫生、社会保障和社会福利业", "卫生社会保障和社会福利业"),
    ),
    Section("文化体育和娱乐业", "Culture, sports and entertainment", "R", "R", ("文化、体育和娱乐业",)),
    Section(
        "公共管理社会保障和社会组织",
        "Public administration, social security and social organizations",
        "S",
        "S",
        ("公共管理、社会保障和社会组织", "公共管理和社会组织"),
    ),
    Section("国际组织", "International organizations", "T", "T"),
)


def section_names(names: Iterable[str], codes: str = EDITIONS[0]) -> dict[str, str]:
    """Return the short Chinese name of each section that is named by letter, short or longer name.

    Parameters
    ----------
    names : iterable of str
        Letters, as ``"B"``, ``"B 采矿业"`` or names of any edition; what is no section is left out.
    codes : str
        The edition of the letters, one of `EDITIONS`; ``"as named"`` changes nothing.

    Raises
    ------
    DataError
        For two columns of one section, and an edition that is not there.

    Examples
    --------
    >>> section_names(["F", "信息传输、计算机服务和软件业"], "GB/T 4754-2002")
    {'F': '交通运输仓储和邮政业', '信息传输、计算机服务和软件业': '信息传输软件和信息技术服务业'}
    >>> section_names(["F"])
    {'F': '批发和零售业'}
    """
    if codes == "as named":
        return {}
    if codes not in EDITIONS:
        allowed = (*EDITIONS, "as named")
        raise DataError(
            f"codes= is one of {', '.join(allowed)}; got {codes!r}.{did_you_mean(codes, allowed)}"
        )
    known: Mapping[str, str] = {
        **{_plain(name): s.name for s in SECTIONS for name in (s.name, *s.longer)},
        **{(s.letter_2002 if codes == EDITIONS[2] else s.letter): s.name for s in SECTIONS},
    }
    found = {}
    for name in names:
        head, _, rest = str(name).strip().partition(" ")
        section = (
            known.get(str(name).strip()) or known.get(_plain(str(name))) or known.get(_plain(rest) or head)
        )
        if section is not None:
            found[name] = section
    for section in set(found.values()):
        same = [name for name, one in found.items() if one == section]
        if len(same) > 1:
            raise DataError(
                f"{name_ids(same)} are the same section of {codes}, {section}: add them up, leave one out, "
                'or say codes = "as named".'
            )
    return found


def _plain(name: str) -> str:
    return name.replace("、", "").replace("，", "").replace(" ", "").strip()
