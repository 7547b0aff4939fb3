"""Words of the choice between models, as (English, Chinese)."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["STEPS", "WORDS"]

STEPS: Mapping[str, tuple[str, str]] = {
    "lm_lag": ("LM lag", "LM-lag 检验"),
    "rlm_lag": ("Robust LM lag", "稳健 LM-lag 检验"),
    "lm_error": ("LM error", "LM-error 检验"),
    "rlm_error": ("Robust LM error", "稳健 LM-error 检验"),
    "lr_sar": ("LR: SDM against SAR", "LR-SAR（SDM 退化为 SAR）"),
    "wald_sar": ("Wald: SDM against SAR", "Wald-SAR（SDM 退化为 SAR）"),
    "lr_sem": ("LR: SDM against SEM", "LR-SEM（SDM 退化为 SEM）"),
    "wald_sem": ("Wald: SDM against SEM", "Wald-SEM（SDM 退化为 SEM）"),
    "hausman": ("Hausman: random or fixed effects", "Hausman 检验（随机/固定效应）"),
    "mundlak": ("Mundlak: random or fixed effects", "Mundlak 检验（随机/固定效应）"),
    "variance": ("Breusch-Pagan of the SDM", "SDM 的 Breusch-Pagan 检验"),
}

WORDS: Mapping[str, tuple[str, str]] = {
    "title": ("Choice of the spatial model of {outcome}", "{outcome} 的空间模型选择"),
    "head": (
        "N = {n}, T = {t}; effects: {effects}; weights: {weights}",
        "N = {n}，T = {t}；效应：{effects}；权重：{weights}",
    ),
    "none": ("none", "无"),
    "test": ("Test", "检验"),
    "statistic": ("Statistic", "统计量"),
    "p": ("p", "p 值"),
    "decision": ("Decision at {alpha:.0%}", "结论（{alpha:.0%} 水平）"),
    "rejected": ("rejected", "拒绝原假设"),
    "kept": ("not rejected", "不拒绝原假设"),
    "failed": ("not computed", "未计算"),
    "unit": ("unit", "个体"),
    "time": ("time", "时间"),
    "step_1": ("1. Least squares: is there dependence over space?", "1. OLS 残差：是否存在空间相关？"),
    "step_2": (
        "2. Does the Durbin model (SDM) reduce to a lag or an error?",
        "2. 杜宾模型（SDM）能否退化为 SAR 或 SEM？",
    ),
    "step_3": ("3. Are effects of units random or fixed?", "3. 个体效应是随机的还是固定的？"),
    "step_4": ("4. What the likelihood assumes", "4. 似然函数的假定"),
    "advice": ("Recommended: {model}{effects}.", "建议：{model}{effects}。"),
    "with_fixed": (" with fixed effects", "，固定效应"),
    "with_random": (" with random effects of units", "，个体随机效应"),
    "OLS": ("model without spatial terms", "不含空间项的模型"),
    "SAR": ("spatial lag model (SAR)", "空间滞后模型（SAR）"),
    "SEM": ("spatial error model (SEM)", "空间误差模型（SEM）"),
    "SDM": ("spatial Durbin model (SDM)", "空间杜宾模型（SDM）"),
    "why_OLS": (
        "neither LM test rejects, and the Durbin model adds nothing to both of its restrictions",
        "两个 LM 检验均不拒绝，且 SDM 的两个约束均不被拒绝",
    ),
    "why_SDM_both": (
        "the Durbin model reduces neither to a lag nor to an error",
        "SDM 既不能退化为 SAR，也不能退化为 SEM",
    ),
    "why_SDM_mixed": (
        "the tests on the Durbin model and the robust LM tests point to different models; the Durbin model "
        "holds both",
        "SDM 的约束检验与稳健 LM 检验指向不同模型，而 SDM 包含二者",
    ),
    "why_SAR": (
        "the Durbin model reduces to a lag, and the robust LM tests point to one",
        "SDM 可退化为 SAR，稳健 LM 检验也指向空间滞后",
    ),
    "why_SEM": (
        "the Durbin model reduces to an error, and the robust LM tests point to one",
        "SDM 可退化为 SEM，稳健 LM 检验也指向空间误差",
    ),
    "weak_pretest": (
        "Standard errors of a model that tests chose do not know of the choice: show the others too.",
        "经检验选出的模型，其标准误未计入选择过程（预检验偏误）：请同时报告其他模型。",
    ),
    "weak_weights": (
        "All of this is for the weights that were given; other weights may lead to another model.",
        "以上结论均以所给空间权重为前提；换用其他权重可能得到不同模型。",
    ),
    "weak_iid": (
        "All tests take innovations as independent with one variance; Breusch-Pagan does not reject that.",
        "所有检验均假定扰动项独立同方差；Breusch-Pagan 检验不拒绝该假定。",
    ),
    "weak_variance": (
        "All tests take innovations as independent with one variance, and Breusch-Pagan rejects that: "
        "maximum likelihood is then inconsistent. Compare fit('gs2sls') or fit('aqs').",
        "所有检验均假定扰动项独立同方差，而 Breusch-Pagan 检验拒绝该假定：此时极大似然估计不一致，"
        "请与 fit('gs2sls') 或 fit('aqs') 对照。",
    ),
    "weak_effects": (
        "Fixed and random effects were compared in the Durbin model; fixed effects are the safe choice.",
        "固定效应与随机效应的比较基于 SDM；固定效应更为稳妥。",
    ),
}
