"""A study in words, as the section on data and methods of a paper; each sentence comes from a section."""

from __future__ import annotations

from typing import Any

from spatial.models.methods import ESTIMATORS
from spatial.study.data import labels_of
from spatial.study.fits.estimates import policy_kinds
from spatial.study.fits.formulas import formula_of
from spatial.study.fits.named import sections
from spatial.study.schema.models import Did, System, Threshold, Tobit
from spatial.study.schema.weights import Economic, Gravity, Nested, Weights
from spatial.study.values import Values
from spatial.words import Said

from .further import further_sentences

__all__ = ["in_words"]

_COVARIANCES = {
    "cluster": ("clustered by unit", "按个体聚类"),
    "hom": ("homoskedastic", "同方差"),
    "het": ("robust to heteroskedasticity", "异方差稳健"),
    "conley": ("after Conley, within {0} km and {1} lags", "Conley 标准误（{0} 千米，时间滞后 {1} 期）"),
    "twoway": ("clustered two ways", "双向聚类"),
    "driscoll-kraay": ("after Driscoll and Kraay", "Driscoll–Kraay 标准误"),
    "information": ("from the information matrix", "信息矩阵"),
    "expected": ("from the expected information", "期望信息矩阵"),
    "observed": ("from the observed information", "观测信息矩阵"),
    "qml": ("by quasi maximum likelihood", "拟极大似然（三明治）"),
    "wild": ("by the wild cluster bootstrap", "野聚类自助法"),
}
_METHODS = {
    "gs3sls": ("generalised spatial three-stage least squares", "广义空间三阶段最小二乘（GS3SLS）"),
    "gs2sls": ("generalised spatial two-stage least squares", "广义空间两阶段最小二乘（GS2SLS）"),
    "3sls": ("three-stage least squares", "三阶段最小二乘（3SLS）"),
    "2sls": ("two-stage least squares", "两阶段最小二乘（2SLS）"),
    "gmm": ("two-step GMM", "两步广义矩估计"),
    "ols": ("least squares", "最小二乘"),
    "ml": ("maximum likelihood", "极大似然"),
    "mess": ("maximum likelihood of the matrix exponential", "矩阵指数空间模型的极大似然"),
    "aqs": ("joint adjusted quasi-scores", "联合调整准得分（AQS）"),
    None: (
        "joint adjusted quasi-scores where an equation has a spatial lag and a spatial error, else "
        "generalised spatial three-stage least squares",
        "联合调整准得分（方程兼有空间滞后与空间误差时），否则广义空间三阶段最小二乘（GS3SLS）",
    ),
}
_STEPS = {
    "interpolate": ("missing values of {columns} were interpolated", "对{columns}的缺失值作插值"),
    "winsorize": ("values of {columns} were winsorised at {share}", "{columns}在 {share} 分位上缩尾"),
    "log": ("logarithms were taken of {columns}", "对{columns}取自然对数"),
    "shift": ("values of other times were added of {columns}", "对{columns}取时间滞后"),
    "deflate": ("nominal values of {columns} were deflated", "{columns}以价格指数平减"),
    "parse_numbers": ("text was read as numbers in {columns}", "将{columns}的文本读作数字"),
    "balance": ("a balanced panel was kept", "保留平衡面板"),
    "restrict": ("units or times were restricted", "限定个体或时期"),
    "where": ("rows with {formula} were kept", "保留满足 {formula} 的行"),
}


def in_words(values: Values, lang: str) -> str:
    """Return the study in English or Chinese, a paragraph a part.

    Defaults that a referee would ask about are said: covariances, units of distance, what was cut.
    """
    return _Words(values, lang).text()


class _Words:
    def __init__(self, values: Values, lang: str) -> None:
        self.values, self.study, self.zh = values, values.study, lang == "zh"
        other = self.study.model_copy(update={"language": lang})
        self.labels = labels_of(other, values.loaded, values.panel)

    def say(self, english: str, chinese: str) -> str:
        return chinese if self.zh else english

    def names(self, columns: Any) -> str:
        shown = [self.label(str(column)) for column in columns]
        return "、".join(shown) if self.zh else ", ".join(shown)

    def label(self, column: str) -> str:
        found = self.labels.get(column)
        if found is None or found == column:
            return column
        return f"{found}（{column}）" if self.zh else f"{found} ({column})"

    def text(self) -> str:
        further = self.join(list(further_sentences(self.study, self.names, self.zh)))
        parts = [self.data(), self.cleaning(), self.measures(), self.weights(), *self.models(), further]
        return "\n\n".join(filter(None, parts)) + "\n"

    def join(self, sentences: list[str]) -> str:
        stop, gap = ("。", "") if self.zh else (".", " ")
        return gap.join(f"{one}{stop}" for one in sentences if one)

    def data(self) -> str:
        panel, rows = self.values.panel, len(self.values.panel)
        first, last = panel.times[0], panel.times[-1]
        found = [
            self.say(
                f"The sample has {panel.n_units} units in {first} to {last}, {rows:,} observations",
                f"本文样本为 {panel.n_units} 个个体 {first}—{last} 年的"
                f"{'平衡' if panel.is_balanced else '非平衡'}面板，共 {rows:,} 个观测",
            )
        ]
        if self.values.loaded.simulated:
            found.append(self.say("The data are simulated, with known truth", "数据为模拟数据，真值已知"))
        if cut := self.values.loaded.cut:
            chinese = cut.again("zh") if isinstance(cut, Said) else cut
            found.append(self.say(f"Units were cut: {cut}", f"为使地图与面板一致而剔除：{chinese}"))
        return self.join(found)

    def cleaning(self) -> str:
        return self.join([self.step(step) for step in self.study.cleaning])

    def step(self, step: Any) -> str:
        share = getattr(step, "share", 0.01)
        ends = [share, share] if isinstance(share, float) else share
        said = " / ".join(dict.fromkeys(f"{100 * end:g}%" for end in ends))
        columns = self.names(getattr(step, "columns", ()))
        text = _STEPS[step.do][self.zh].format(
            columns=columns, share=said, formula=getattr(step, "formula", "")
        )
        return text if self.zh else text[:1].upper() + text[1:]

    def measures(self) -> str:
        found = []
        for part in self.study.measures:
            given = part.model_dump(exclude={"name", "kind", "en", "zh", "unit"}, exclude_defaults=True)
            keys = "；" if self.zh else "; "
            said = keys.join(f"{key} = {_plain(value)}" for key, value in given.items())
            found.append(
                self.say(
                    f"{self.label(part.name)} is measured by {part.function}: {part.formula} ({said})",
                    f"{self.label(part.name)}由 {part.function} 测度：{part.formula}（{said}）",
                )
            )
        for name, variable in self.study.variables.items():
            if variable.formula is not None:
                found.append(f"{self.label(name)} = {variable.formula}")
        return self.join(found)

    def weights(self) -> str:
        return self.join([self.weight(name, part) for name, part in self.study.weights.items()])

    def weight(self, name: str, part: Any) -> str:
        match part:
            case Weights(spec=spec):
                how = self.say(f"{spec} (great-circle kilometres)", f"{spec}（大圆距离，千米）")
            case Economic(column=column):
                how = self.say(f"nearness of {self.label(column)}", f"{self.label(column)}的接近程度")
            case Gravity(mass=mass):
                how = self.say(f"gravity of {self.label(mass)}", f"{self.label(mass)}的引力")
            case Nested(weights=inner, share=share):
                how = self.say(
                    f"{share:g} of {inner[0]}, else {inner[1]}", f"{inner[0]} 占 {share:g}，其余为 {inner[1]}"
                )
        kind = {"row": ("row-standardised", "行标准化"), "none": ("as built", "不标准化")}
        norm = kind.get(
            part.normalisation, (f"{part.normalisation}-normalised", f"{part.normalisation} 标准化")
        )
        return self.say(f"Weights {name}: {how}, {norm[0]}", f"空间权重 {name}：{how}，{norm[1]}")

    def models(self) -> list[str]:
        return [self.join(self.model(part.name)) for _, _, part in sections(self.study)]

    def model(self, name: str) -> list[str]:
        part = self.values.part(name)
        found = [f"{self.title(part)}{'：' if self.zh else ': '}{self.equations(part)}"]
        found.append(self.how(part))
        if part.where is not None:
            found.append(
                self.say(
                    f"Rows: {part.where}; spatial lags are of the whole map",
                    f"样本：{part.where}；空间滞后按全图计算",
                )
            )
        if part.by is not None and not isinstance(part, Threshold):
            found.append(self.say(f"One fit a group of {part.by}", f"按 {self.label(part.by)} 分组分别估计"))
        if part.expect == "refusal":
            found.append(self.say("It cannot be estimated, and shows why", "此式不可估计，列出以说明原因"))
        return found

    def title(self, part: Any) -> str:
        label = part.zh if self.zh else part.en
        return f"{part.name}{f'（{label}）' if self.zh else f' ({label})'}" if label else str(part.name)

    def equations(self, part: Any) -> str:
        if isinstance(part, Did):
            return self.say(
                f"effect of {self.label(str(part.cohort))} on {self.label(str(part.outcome))}",
                f"{self.label(str(part.cohort))}对{self.label(str(part.outcome))}的处理效应",
            )
        known = list(self.study.weights) if part.weights is None else part.weights
        read = [formula_of(text, {}, known) for text in part.texts]
        shown = [f"{f.outcome.name} = {' + '.join(term.name for term in f.terms)}" for f in read]
        return ("；" if self.zh else "; ").join(shown)

    def how(self, part: Any) -> str:
        default = "information" if getattr(part, "method", None) in ("ml", "mess") else "cluster"
        cov, *numbers = (part.cov or default).split(":")
        text = _COVARIANCES[cov][self.zh].format(*numbers, *["0"] * (2 - len(numbers)))
        if cov == "cluster" and numbers:
            text = self.say(f"clustered by {numbers[0]}", f"按 {numbers[0]} 聚类")
        effects = part.effects if isinstance(part.effects, list) else []
        fixed = self.effects(effects)
        if part.effects == "random" and isinstance(part, System):
            fixed = self.say("random effects of units", "个体随机效应")
        match part:
            case System():
                how = _method_words(part.method, self.zh)
                rest = self.say(f"estimated by {how}, {fixed}", f"以{how}估计，{fixed}")
            case Tobit():
                rest = self.say(
                    f"a Tobit model with {part.effects} effects, censored at {_ends(part)}",
                    f"Tobit 模型，效应 {part.effects}，截断于 {_ends(part)}",
                )
            case Threshold():
                rest = self.say(f"a threshold in {part.by}, {fixed}", f"以 {part.by} 为门槛变量，{fixed}")
            case Did():
                kinds = ", ".join(policy_kinds(part))
                rest = self.say(
                    f"by {part.method}, controls: {part.control_group}"
                    + (f"; with {kinds}" if kinds else ""),
                    f"方法 {part.method}，对照组 {part.control_group}" + (f"；并作 {kinds}" if kinds else ""),
                )
            case _:
                rest = self.say(fixed, fixed)
        if isinstance(part, System) and part.intervals != "default":
            said = _INTERVALS[part.intervals]
            rest += self.say(f", {said[0]}", f"，{said[1]}")
        if self.zh:
            return f"{rest}，标准误：{text}"
        return f"{rest[:1].upper()}{rest[1:]}; standard errors {text}"

    def effects(self, names: list[str]) -> str:
        words = {"unit": ("unit", "个体"), "time": ("time", "时间")}
        shown = [
            "×".join(words.get(part, (part, part))[self.zh] for part in name.split(":")) for name in names
        ]
        if not shown:
            return self.say("without fixed effects", "无固定效应")
        return self.say(f"fixed effects of {' and '.join(shown)}", f"{'、'.join(shown)}固定效应")


_INTERVALS = {
    "wald": ("intervals by standard errors", "置信区间由标准误得到"),
    "distance": ("intervals by inverting the distance of the quasi-score", "置信区间由拟得分距离的反演得到"),
    "lr": ("intervals by likelihood ratios", "置信区间由似然比得到"),
}


def _method_words(method: str | None, zh: bool) -> str:
    """Return the words for a method; without any, that of `fit()`."""
    if method is None:
        return (
            "默认方法（滞后与误差同权重时为联合矩估计，否则 GS3SLS）" if zh else "the default method of fit()"
        )
    title = ESTIMATORS[method].title
    return _METHODS.get(method, (title, title))[zh]


def _ends(part: Any) -> str:
    return " / ".join(f"{end:g}" for end in (part.lower, part.upper) if end is not None)


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_plain(one)}" for key, one in value.items())
    return str(value)
