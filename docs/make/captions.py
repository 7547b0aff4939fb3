"""The words of the pictures, in English and Chinese."""

from __future__ import annotations

LABELS = {
    "en": {"log(polpc)": "Police per head", "W(log(crmrte))": "Crime next door", "log(prbarr)": "Arrests per offence",
           "log(density)": "Density", "log(crmrte)": "Crime", "W(log(polpc))": "Police next door",
           "log(taxpc)": "Tax per head", "log(mix)": "Mix of offences", "log(prbconv)": "Convictions per arrest"},
    "zh": {"log(polpc)": "人均警力", "W(log(crmrte))": "邻县犯罪率", "log(prbarr)": "逮捕概率", "log(density)": "人口密度",
           "log(crmrte)": "犯罪率", "W(log(polpc))": "邻县警力", "log(taxpc)": "人均税收", "log(mix)": "犯罪构成",
           "log(prbconv)": "定罪概率"},
}  # fmt: skip
SAID = {
    "share": ("Non-white births, share", "非白人新生儿比例"),
    "births": ("Non-white births, 1974", "非白人新生儿比例，1974"),
    "crime": ("Crimes per person, 1987", "人均犯罪数，1987"),
    "effects": ("Effects on crime in equilibrium", "对犯罪率的均衡效应"),
    "compare": ("What deters crime, by two estimators", "两种估计方法下的震慑效应"),
    "covariances": ("One fit, four covariances", "同一估计，四种协方差"),
    "hom": ("homoskedastic", "同方差"),
    "unit": ("by county", "按县聚类"),
    "conley": ("Conley, 200 km", "Conley，200 公里"),
    "twoway": ("two-way", "双向聚类"),
    "slope": ("Slope of y2 in y1", "y1 方程中 y2 的系数"),
    "lag": ("Slope of W y1 in y1", "y1 方程中 W y1 的系数"),
    "ridge": ("Same regressors in both equations: a ridge", "两个方程的解释变量相同：一条山脊"),
    "bowl": ("One variable of its own in each: a bowl", "各有一个自己的变量：一个碗底"),
    "truth": ("true value", "真值"),
    "plain": ("p ≤ 0.05, unadjusted", "p ≤ 0.05，未校正"),
    "fdr": ("p ≤ 0.05 after Benjamini-Hochberg", "Benjamini-Hochberg 校正后 p ≤ 0.05"),
    "degrees": ("Within 1 degree", "1 度以内"),
    "km": ("Within 100 km", "100 公里以内"),
    "alone": ("without neighbours", "不考虑邻居"),
    "rings": ("with rings of 60 km", "加入 60 公里圈层"),
    "coverage": ("Share of 95 % intervals of the spatial lag that cover it", "空间滞后系数 95% 置信区间的覆盖率"),
    "att": ("effect on the treated", "处理组平均效应"),
    "two_lags": ("GS3SLS, instruments to W²X", "GS3SLS，工具变量至 W²X"),
    "one_lag": ("GS3SLS, instruments to WX", "GS3SLS，工具变量至 WX"),
}  # fmt: skip
CELL_WORDS = (
    ("errors in ", "误差权重 "), ("regions by time", "地区×时间效应"),
    ("heteroskedastic", "异方差"), ("serial", "序列相关"), ("skewed", "偏态"), ("queen", "后邻接"),
    ("inverse", "反距离"), ("knn", "近邻 "), ("one equation", "单方程"),
    ("three equations", "三方程"), ("unit effects", "仅个体效应"), ("time effects", "仅时间效应"), ("no effects", "无效应"),
    ("N ", "N="), ("T ", "T="), ("rho ", "ρ="),
    (", ", "，"),
)  # fmt: skip
"""Parts of the names of cells of the simulation, English and Chinese."""

CAPTIONS = {
    "clusters": "局部莫兰聚类图", "clusters_print": "黑白印刷版", "significance": "显著性水平", "values": "五等分，带名称和指北针",
    "change": "有正有负：以零为中心", "box_map": "箱线图分级（1.5 倍）", "deviations": "标准差分级", "regions": "分类变量：中国地区",
    "years": "面板逐年，无数据的县画斜线", "links": "邻居连线图", "dark": "深色底", "scatter": "莫兰散点图，按聚类着色",
    "scatter_years": "逐年莫兰散点图", "scatter_pooled": "各年合并", "over_time": "莫兰指数的时间变化", "reference": "置换检验的参照分布",
    "correlogram": "随距离变化的自相关", "sweep": "统计量最大的距离阈值", "coefficients": "三种估计的系数图",
    "impacts": "直接、间接与总效应", "event_study": "事件研究，联合置信带（模拟数据）", "densities": "逐年核密度", "neighbours": "邻居数分布",
    "dispersion": "单元间差异的时间变化", "convergence": "收敛：考虑与不考虑邻居", "inequality": "不平等的分解", "index": "综合指数的权重",
    "transitions": "以邻居为条件的转移", "semivariogram": "半变异函数", "policy_study": "政策实施前后各期效应（模拟数据）", "placebo": "安慰剂政策",
    "bacon": "双向固定效应估计中的各组比较", "honest": "允许趋势不平行时的区间", "groups": "分组系数", "specifications": "各种设定下的估计",
    "decay": "估计值随距离的变化（模拟数据）",
}  # fmt: skip

GALLERY_LABELS = {
    "lprbarr": "逮捕概率", "lprbconv": "定罪概率", "lprbpris": "监禁概率", "lpolpc": "人均警力", "lavgsen": "平均刑期",
    "W(lcrmrte)": "邻县犯罪率", "ltaxpc": "人均税收", "lmix": "犯罪构成", "lcrmrte": "犯罪率",
}  # fmt: skip
