"""The Chinese edition: the settings of the English one, in Chinese."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
exec(compile((HERE.parent / "conf.py").read_text(encoding="utf-8"), str(HERE.parent / "conf.py"), "exec"))

language = "zh_CN"
exclude_patterns = []
html_sidebars = {"index": [], "gallery": []}
