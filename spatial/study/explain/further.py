"""What comes after the fits, in words: mechanisms, groups, robustness, tests, sensitivity, draws."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from spatial.study.fits.named import analyses
from spatial.study.fits.varied import changes
from spatial.study.schema import questions as ask
from spatial.study.schema.analyses import Heterogeneity, Mechanism, Moderation
from spatial.study.schema.study import Study
from spatial.study.schema.variants import Robustness

__all__ = ["further_sentences"]

_STYLES = {
    "two-step": (
        "in two steps: the effect on the mediator is tested, its effect on the outcome is left to theory",
        "两步法：只检验处理变量对中介变量的影响，中介变量影响结果由理论说明",
    ),
    "product": (
        "by the product of coefficients, which is causal only without unseen common causes",
        "乘积法（a×b）：以没有未观测的共同原因为前提",
    ),
}
_EQUALITY = {
    "wald": ("Wald", "Wald"),
    "suest": ("stacked scores", "似无相关"),
    "permutation": ("permuted labels of units", "个体标签置换"),
}
_TESTS = {
    "anderson_rubin": ("Anderson-Rubin sets", "Anderson-Rubin 置信集"),
    "hausman": ("Hausman's test", "Hausman 检验"),
    "lm_spatial": ("LM tests of a spatial lag and error", "空间滞后与误差的 LM 检验"),
    "moran_residuals": ("Moran's I of residuals", "残差的莫兰指数"),
    "mundlak": ("Mundlak's test", "Mundlak 检验"),
    "pesaran_cd": ("Pesaran's CD", "Pesaran CD 检验"),
    "serial_correlation": ("Wooldridge's test of serial correlation", "Wooldridge 序列相关检验"),
    "u_test": ("Lind and Mehlum's test of a U", "Lind–Mehlum U 形检验"),
    "wald": ("Wald tests", "Wald 检验"),
    "vif": ("variance inflation factors", "方差膨胀因子"),
}
_SENSITIVITY = {
    "leave_one_out": ("one {by} left out at a time", "逐一剔除 {by}"),
    "oster": ("Oster's delta", "Oster 的 δ"),
    "plausibly_exogenous": ("an instrument that is almost exogenous", "近似外生的工具变量"),
}


def further_sentences(study: Study, names: Callable[[Any], str], zh: bool) -> Iterator[str]:
    """Yield a sentence for each section that takes fits further.

    Parameters
    ----------
    study : Study
    names : function of a list of columns
        Returns them with their labels.
    zh : bool
    """
    for _, _, part in analyses(study):
        said = _said(part, names, zh)
        yield f"{part.name}：{said}" if zh else f"{part.name}: {said}"
    for name, printed in study.printed.items():
        yield (
            f"{name}：原文数字（{printed.said('zh')}），并列展示并核对"
            if zh
            else f"{name}: printed numbers ({printed.said('en')}), beside ours and checked"
        )


def _said(part: Any, names: Callable[[Any], str], zh: bool) -> str:
    match part:
        case Mechanism():
            how = _STYLES[part.style][zh]
            whole = ("{0} through {1}, {2} (of {3})", "{0} 经由 {1}，{2}（基于 {3}）")
            return whole[zh].format(names([part.treatment]), names(part.mediators), how, part.of)
        case Moderation():
            whole = (
                "the effect of {0} as it varies with {1} (of {2})",
                "{0} 的效应随 {1} 的变化（基于 {2}）",
            )
            return whole[zh].format(names([part.treatment]), names(part.by), part.of)
        case Heterogeneity():
            kinds = [part.test] if isinstance(part.test, str) else part.test
            tests = ("、" if zh else ", ").join(_EQUALITY[kind][zh] for kind in kinds)
            whole = (
                "groups by {0} (of {1}); equality by {2}",
                "按 {0} 分组（基于 {1}）；组间相等的检验：{2}",
            )
            return whole[zh].format(names(part.by), part.of, tests)
        case Robustness():
            count = len(changes(part))
            return (f"{count} variants of {part.of}", f"{part.of} 的 {count} 个变体")[zh]
        case ask.Select():
            whole = (
                "the choice between OLS, SAR, SEM and SDM for {0}",
                "在 OLS、SAR、SEM、SDM 间的选择：{0}",
            )
            return whole[zh].format(part.formula)
        case ask.MonteCarlo():
            whole = ("{0} new draws of the sample: {1}", "样本重抽 {0} 次：{1}")
            return whole[zh].format(part.replications, ", ".join(part.fits))
    if part.kind in _SENSITIVITY:
        how = _SENSITIVITY[part.kind][zh].format(by=getattr(part, "by", ""))
        return (f"{how}, for {part.term} of {part.of}", f"{part.of} 中的 {part.term}：{how}")[zh]
    fits = ("、" if zh else ", ").join(part.fits)
    return (f"{_TESTS[part.kind][0]} of {fits}", f"{fits} 的{_TESTS[part.kind][1]}")[zh]
