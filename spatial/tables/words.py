"""The words that tables add by themselves, in English and Chinese."""

from __future__ import annotations

import re
from collections.abc import Mapping

from spatial.words import check_language

__all__ = [
    "effect_words",
    "joined",
    "word",
]

_WORDS: Mapping[str, tuple[str, str]] = {
    # regression tables
    "variable": ("Variable", "变量"),
    "outcome": ("Outcome", "被解释变量"),
    "mean_of": ("mean({name})", "{name}的个体均值"),
    "constant": ("Constant", "常数项"),
    "controls": ("Controls", "控制变量"),
    "yes": ("Yes", "是"),
    "no": ("No", "否"),
    "partly": ("Some", "部分"),
    "effect": ("{name} fixed effects", "{name}固定效应"),
    "estimator": ("Estimator", "估计方法"),
    "weights": ("Spatial weights", "空间权重矩阵"),
    "rho": ("ρ (spatial error)", "ρ（空间误差）"),
    "units": ("Units N", "个体数 N"),
    "times": ("Periods T", "时期数 T"),
    "observations": ("Observations", "观测值"),
    "r2": ("R²", "R²"),
    "r2_within": ("Within R²", "组内 R²"),
    "sample": ("Sample", "样本"),
    "sample_links": ("Spatial links", "空间连接数"),
    "left_censored": ("Left-censored", "左截取观测数"),
    "right_censored": ("Right-censored", "右截取观测数"),
    "sigma_u": ("σ of the unit effect", "个体效应标准差 σᵤ"),
    "sigma_e": ("σ of the error", "误差标准差 σₑ"),
    "log_likelihood": ("Log-likelihood", "对数似然"),
    "random_effects": ("Random effects of units", "个体随机效应"),
    "aic": ("AIC", "AIC"),
    "schwarz": ("BIC", "BIC"),
    "sigma2": ("σ²", "σ²"),
    "condition_number": ("Condition number", "条件数"),
    "bic": ("BIC", "BIC"),
    "threshold": ("Threshold", "门槛值"),
    "threshold_1": ("First threshold", "第一门槛值"),
    "threshold_2": ("Second threshold", "第二门槛值"),
    "threshold_3": ("Third threshold", "第三门槛值"),
    "threshold_p": ("Threshold test (bootstrap p)", "门槛检验（自助法 p 值）"),
    "j": ("Hansen J (p)", "Hansen J（p 值）"),
    "f": ("First-stage F", "第一阶段 F 值"),
    "stable": ("Stable equilibrium", "均衡稳定"),
    "direct": ("Direct effects", "直接效应"),
    "indirect": ("Indirect effects", "间接效应"),
    "total": ("Total effects", "总效应"),
    "panel_effects": ("Effects in equilibrium", "均衡效应分解"),
    "panel_effects_on": ("Effects in equilibrium on {outcome}", "对{outcome}的均衡效应分解"),
    # notes
    "t": ("t statistics in parentheses", "括号内为 t 值"),
    "se": ("Standard errors in parentheses", "括号内为标准误"),
    "ci": ("95 % confidence intervals in brackets", "方括号内为 95% 置信区间"),
    "bracket": (", {label}", "（{label}）"),
    "errors": ("standard errors {label}", "标准误：{label}"),
    "stars": ("{stars} p < {level}", "{stars} p < {level}"),
    "stars_zh": ("", "{parts} 分别表示在 {levels} 的水平上显著"),
    "column": ("column {columns}", "第 {columns} 列"),
    "columns": ("columns {columns}", "第 {columns} 列"),
    "note": ("Note: {text}", "注：{text}"),
    "note_r2": ("R² = 1 − RSS/TSS.", "R² = 1 − 残差平方和/总平方和。"),
    "note_r2_structural": (
        "R² = 1 − u'u/y'y with u = y − Zδ, the residual of the structural equation; it may be negative.",
        "R² = 1 − u'u/y'y，u = y − Zδ 为结构方程残差；可能为负。",
    ),
    "note_r2_within": ("Within R²: fixed effects taken out.", "组内 R²：已剔除固定效应。"),
    "note_r2_foreign": (
        "R² of {columns} as its program defines it.",
        "{columns}的 R² 按其软件的定义。",
    ),
    "note_j": (
        "Hansen J: overidentifying restrictions, clustered by unit; p from the F law of the centred J.",
        "Hansen J：过度识别检验，按个体聚类；p 值由中心化 J 的 F 分布给出。",
    ),
    "note_f": (
        "First-stage F, clustered by unit: the effective F (Montiel Olea and Pflueger) of one endogenous "
        "regressor, the smallest conditional F (Sanderson and Windmeijer) of several.",
        "第一阶段 F 值（按个体聚类）：单个内生变量为有效 F（Montiel Olea–Pflueger），多个内生变量为 "
        "Sanderson–Windmeijer 条件 F 的最小值。",
    ),
    "note_weak": (
        "{columns}: weak instruments, F below its critical value (up to {least}) for a bias of 10 %; "
        "Anderson-Rubin confidence sets hold however weak they are.",
        "{columns}：弱工具变量，F 低于 10% 偏误的临界值（至多 {least}）；工具变量再弱，"
        "Anderson-Rubin 置信集仍有效。",
    ),
    "note_f_plain": (
        "First-stage F of {columns}: of the excluded instruments.",
        "{columns}的第一阶段 F 值：排除的工具变量联合检验。",
    ),
    "note_distance": (
        "{columns}: intervals and stars by inverting the distance of the quasi-score, not from standard "
        "errors.",
        "{columns}的置信区间与显著性由拟得分距离的反演得到，而非由标准误得到。",
    ),
    "note_lr": (
        "{columns}: intervals and stars by likelihood ratios, not from standard errors.",
        "{columns}的置信区间与显著性由似然比得到，而非由标准误得到。",
    ),
    "note_cons_mean": (
        "Constant: the mean of the fixed effects, as Stata's xtreg, fe.",
        "常数项为固定效应的均值（同 Stata 的 xtreg, fe）。",
    ),
    "note_cons_first": (
        "Constant: that of the first time, as Stata's xtreg, fe with i.time.",
        "常数项为首期的常数项（同 Stata 的 xtreg, fe 加 i.time）。",
    ),
    "note_left_out": ("{columns}: {method}, no {what}.", "{columns}：{method}，不含{what}。"),
    "spatial_terms": ("spatial terms", "空间项"),
    "spatial_lags": ("spatial lags", "空间滞后项"),
    "spatial_errors": ("spatial errors", "空间误差项"),
    "note_weights": ("{name}: {kind}{normal}.", "{name}：{kind}{normal}。"),
    "note_unbalanced": (
        "{columns}: unbalanced panel, {missing} of {cells} cells are missing.",
        "{columns}：非平衡面板，{cells} 个单元中缺失 {missing} 个。",
    ),
    "note_structural": (
        "Coefficients of endogenous variables and of spatial lags are structural slopes, "
        "not equilibrium effects.",
        "内生变量与空间滞后项的系数为结构斜率，并非均衡效应。",
    ),
    "note_unstable": (
        "The estimates of {columns} have no stable equilibrium: read no effects from them.",
        "{columns}的估计值不存在稳定均衡，不可据此解读效应。",
    ),
    "note_effects": (
        "Effects: averages over units; standard errors {how}.",
        "效应为各个体平均值；标准误：{how}。",
    ),
    "simulated": ("simulated with {draws} draws, seed {seed}", "模拟 {draws} 次，随机种子 {seed}"),
    "delta": ("by the delta method", "delta 方法"),
    "delta_inverted": (
        "by the delta method; their intervals and stars as those of the coefficients",
        "delta 方法；其置信区间与显著性的求法同系数",
    ),
    "stamp": ("{columns}: {stamp}.", "{columns}：{stamp}。"),
    "all_columns": ("All columns", "所有列"),
    # other tables
    "descriptive": ("Descriptive statistics", "描述性统计"),
    "n": ("N", "样本量"),
    "mean": ("Mean", "均值"),
    "sd": ("SD", "标准差"),
    "min": ("Min", "最小值"),
    "max": ("Max", "最大值"),
    "note_sd": ("SD: N − 1 in the denominator.", "标准差的分母为 N − 1。"),
    "grouped": ("Descriptive statistics by group", "分组描述性统计"),
    "equal_means": ("Difference of means", "均值差异检验"),
    "difference": ("Difference", "差值"),
    "note_difference": (
        "Difference: {first} less {second}; t {how}.",
        "差值 = {first} − {second}；t 值：{how}。",
    ),
    "note_equal_means": ("F: that all means are equal, {how}.", "F：各组均值相等的检验，{how}。"),
    "welch_rows": ("of Welch, rows as independent", "Welch 检验，视各观测值相互独立"),
    "welch_clustered": ("of Welch, errors clustered by {by}", "Welch 检验，按{by}聚类"),
    "by_unit": ("unit", "个体"),
    "note_no_group": ("{n} rows without a group are left out.", "{n} 个观测值无分组信息，未计入。"),
    "correlation": ("Correlations", "相关系数矩阵"),
    "note_correlation": (
        "Pearson correlations{pairs}; p from t(n − 2), as if observations were independent.",
        "Pearson 相关系数{pairs}；p 值按自由度 n − 2 的 t 分布计算，视观测值相互独立。",
    ),
    "complete": (", {n} complete observations", "，{n} 个完整观测值"),
    "pairwise": (", each pair with the observations that have both", "，逐对使用两者均有的观测值"),
    "moran": ("Moran's I by year", "历年莫兰指数"),
    "time": ("Time", "时间"),
    "pooled": ("pooled", "合并"),
    "pooled_within": (
        "Pooled: deviations from each year's mean; inference by whole trajectories.",
        "合并：对各年均值取离差；按整条时间轨迹推断。",
    ),
    "pooled_overall": (
        "Pooled: deviations from the mean of all years, so that differences between years count as "
        "autocorrelation; inference by whole trajectories.",
        "合并：对全部年份的均值取离差，年份之间的差异计入自相关；按整条时间轨迹推断。",
    ),
    "note_moran": ("z and p: {how}.", "z 值与 p 值：{how}。"),
    "p_normality": ("under normality", "正态假设"),
    "p_randomisation": ("under randomisation", "随机化假设"),
    "p_sim": ("p by permutation, z under randomisation", "p 值为置换检验，z 值为随机化假设"),
    "identification": ("Identification", "模型识别"),
    "equation": ("Equation", "方程"),
    "identified": ("Identified", "可识别"),
    "weak": ("Weak", "弱识别"),
    "rank": ("Rank", "秩"),
    "required": ("Needed", "所需秩"),
    "sigma_min": ("Smallest singular value", "最小奇异值"),
    "first_stages": ("First stages", "第一阶段"),
    "sw_f": ("SW F", "SW F"),
    "sw_f_clustered": ("SW F, clustered", "SW F（聚类）"),
    "strength": ("Judged by", "判定统计量"),
    "critical": ("Critical value", "临界值"),
    "note_strength": (
        "Judged by: the effective F (Montiel Olea and Pflueger) of one endogenous regressor; of several "
        "the smaller of both conditional F (Sanderson and Windmeijer); weak below the critical value.",
        "判定统计量：单个内生变量为有效 F（Montiel Olea–Pflueger），多个内生变量为两个 Sanderson–Windmeijer "
        "条件 F 中较小者；低于临界值即为弱识别。",
    ),
    "kp": ("KP rk LM (p)", "KP rk LM（p 值）"),
    "weights_title": ("Spatial weights", "空间权重矩阵"),
    "kind": ("Kind", "类型"),
    "normalization": ("Normalisation", "标准化"),
    "links": ("Links", "连接数"),
    "density": ("Share of pairs linked", "连接密度"),
    "components": ("Components", "连通分支数"),
    "islands": ("Islands", "孤岛数"),
    "neighbours": ("Neighbours: least, mean, most", "邻居数：最少、平均、最多"),
    "row_sums": ("Row sums: least, most", "行和：最小、最大"),
    "symmetric": ("Symmetric", "对称"),
    "radius": ("Spectral radius", "谱半径"),
    "lambda_range": ("Admissible λ", "λ 的允许范围"),
    "unit_of_distance": ("Unit of distance", "距离单位"),
}

_EFFECTS = {"unit": ("Unit", "个体"), "time": ("Time", "时间")}


def word(key: str, lang: str | None = None, **values: object) -> str:
    """Return the words for `key`, with `values` filled in.

    Examples
    --------
    >>> word("yes", "zh"), word("effect", "en", name="Unit")
    ('是', 'Unit fixed effects')
    """
    return _WORDS[key][check_language(lang) == "zh"].format(**values)


def effect_words(name: str, lang: str, labels: Mapping[str, str]) -> str:
    """Return the label of a fixed effect, as ``region:time``."""
    zh = lang == "zh"
    parts = [labels.get(p, _EFFECTS[p][zh] if p in _EFFECTS else p) for p in re.split(r"[:^]", name)]
    return word("effect", lang, name="×".join(parts))


def joined(places: list[int], lang: str) -> str:
    """Return ``column (2)`` or ``columns (1), (3)``."""
    shown = ("、" if lang == "zh" else ", ").join(f"({k + 1})" for k in places)
    return word("columns" if len(places) > 1 else "column", lang, columns=shown)
