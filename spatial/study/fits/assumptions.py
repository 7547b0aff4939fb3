"""What tests take for granted, in Chinese: the column of details in tables of tests."""

from __future__ import annotations

import re

from spatial.languages.names import covariance_words

__all__ = ["detail_in_chinese"]

_PARTS: tuple[tuple[str, str], ...] = (
    (r"homoskedastic, independent over time", "同方差，时间上独立"),
    (r"normal errors of one variance, independent over time", "误差正态、同方差，时间上独立"),
    (r"normal, of one variance", "误差正态、同方差"),
    (r"independent errors, normal or not", "误差独立，不要求正态"),
    (r"independent normal errors", "误差独立且正态"),
    (r"independent errors of one variance", "误差独立、同方差"),
    (r"independent errors", "误差独立"),
    (r"effects drawn from one normal distribution", "个体效应服从同一正态分布"),
    (r"both covariances at the random estimate", "两个协方差均在随机效应估计处计算"),
    (r"average correlation (\S+)", "平均相关系数 {0}"),
    (r"any dependence over time", "允许任意时间相关"),
    (r"independent over time", "时间上独立"),
    (r"pooled 2SLS, clustered \(CR2\)", "混合 2SLS，按个体聚类（CR2）"),
    (r"score, clustered", "得分形式，按个体聚类"),
    (r"score form", "得分形式"),
    (r"scores at the null, clustered by unit", "原假设下的得分，按个体聚类"),
    (r"rho under the null (\S+)", "原假设下的 rho 为 {0}"),
    (r"two-step GMM, clustered by unit", "两步 GMM，按个体聚类"),
    (r"at the joint estimate, clustered by unit", "在联合估计处，按个体聚类"),
    (r"at the joint estimate, homoskedastic, independent over time", "在联合估计处，同方差，时间上独立"),
    (r"J = (\S+), centred (\S+)", "J = {0}，中心化后 {1}"),
    (r"y on X, WX, W2X", "y 对 X、WX、W²X 回归"),
    (r"rho = (\S+) filtered out", "已滤去 rho = {0}"),
    (r"correlation of the residuals (\S+), under the null (\S+)", "残差相关系数 {0}，原假设下为 {1}"),
    (r"(\d+) terms", "{0} 个系数"),
    (r"b efficient", "第二个估计量有效"),
    (
        r"the difference of the covariances is not positive definite: prefer kind='mundlak'",
        "协方差之差非正定，应改用 kind='mundlak'",
    ),
    (
        r"with a lag and an error together it rejects too often in small samples \((\S+) at N 60, T 4\): "
        r"read the LM or the LR test \((\S+)\)",
        "空间滞后与误差并存时，小样本中拒绝过多（N 60、T 4 时为 {0}）：应看 LM 或 LR 检验（{1}）",
    ),
    (r"Hotelling's small-sample F", "Hotelling 小样本 F"),
    (r"no exact distribution", "无精确分布"),
    (r"critical value (\S+) \(bias above 10 %, 5 %\)", "临界值 {0}（偏误超过 10%，5% 水平）"),
)


def detail_in_chinese(text: str) -> str:
    """Return the detail of a test in Chinese; what is a name, as of weights, stays.

    Examples
    --------
    >>> detail_in_chinese("W; errors: homoskedastic")
    'W；标准误：同方差'
    >>> detail_in_chinese("means of x, z, clustered by unit")
    '均值：x、z，按个体聚类'
    """
    return "；".join(_part(part) for part in text.split("; "))


def _part(part: str) -> str:
    for pattern, chinese in _PARTS:
        found = re.fullmatch(pattern, part)
        if found is not None:
            return chinese.format(*found.groups())
    if part.startswith("errors: "):
        return f"标准误：{covariance_words(part.removeprefix('errors: '), 'zh')}"
    means = re.fullmatch(r"means of (.+), ((?:clustered|homo|hetero|wild|Conley|Driscoll|two).*)", part)
    if means is not None:
        return f"均值：{means[1].replace(', ', '、')}，{covariance_words(means[2], 'zh')}"
    return covariance_words(part, "zh")
