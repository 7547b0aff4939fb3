"""The looks of a report."""

from __future__ import annotations

__all__ = ["STYLE"]

STYLE = """
:root {
  --ink: #24313a;
  --soft: #66757f;
  --line: #dde3e7;
  --paper: #fff;
  --ground: #f3f5f6;
  --accent: #d55e00;
  --rest: #56707f;
}
* {
  box-sizing: border-box;
}
body {
  margin: 0;
  background: var(--ground);
  color: var(--ink);
  font:
    14px/1.4 "Helvetica Neue",
    Helvetica,
    Arial,
    "Noto Sans CJK SC",
    "PingFang SC",
    "Microsoft YaHei",
    sans-serif;
}
header {
  padding: 12px 20px 8px;
}
h1 {
  font-size: 20px;
  line-height: 1.25;
  margin: 0;
  font-weight: 650;
  overflow-wrap: anywhere;
}
header p {
  margin: 2px 0 0;
  color: var(--soft);
  font-size: 12.5px;
}
header .note {
  color: #8a5200;
}
.controls {
  position: sticky;
  top: 0;
  z-index: 20;
  display: flex;
  flex-wrap: wrap;
  gap: 8px 16px;
  align-items: center;
  padding: 7px 20px;
  background: rgba(255, 255, 255, 0.97);
  border-block: 1px solid var(--line);
}
.controls > div {
  display: flex;
  align-items: center;
  gap: 8px;
}
.controls .word {
  color: var(--soft);
  font-size: 12.5px;
}
select,
button {
  font: inherit;
  color: inherit;
}
select {
  max-width: 260px;
  padding: 4px 6px;
  border: 1px solid #bcc6cd;
  border-radius: 5px;
  background: #fff;
}
.push {
  border: 1px solid #bcc6cd;
  border-radius: 5px;
  background: #fff;
  padding: 4px 10px;
  cursor: pointer;
}
.push:hover:not(:disabled) {
  background: #eef2f4;
}
.push:disabled {
  opacity: 0.45;
  cursor: default;
}
#play {
  width: 34px;
  padding: 4px 0;
  font-size: 12px;
}
#time {
  width: 150px;
  accent-color: var(--accent);
}
#time-shown {
  font-weight: 650;
  min-width: 42px;
  font-variant-numeric: tabular-nums;
}
.choice {
  display: inline-flex;
  border: 1px solid #bcc6cd;
  border-radius: 5px;
  overflow: hidden;
  background: #fff;
}
.choice label + label {
  border-left: 1px solid #d5dce1;
}
.choice input {
  position: absolute;
  opacity: 0;
}
.choice span {
  display: block;
  padding: 4px 10px;
  cursor: pointer;
  font-size: 13px;
}
.choice input:checked + span {
  background: #33505f;
  color: #fff;
}
.choice input:focus-visible + span {
  outline: 2px solid var(--accent);
  outline-offset: -2px;
}
.main {
  display: grid;
  grid-template-columns: minmax(0, 1.25fr) minmax(0, 1fr);
  gap: 10px;
  padding: 10px 20px;
}
.column {
  display: flex;
  flex-direction: column;
  gap: 10px;
  min-width: 0;
}
.pair {
  display: grid;
  grid-template-columns: minmax(0, 1fr) minmax(0, 1fr);
  gap: 10px;
}
.card {
  position: relative;
  min-width: 0;
  background: var(--paper);
  border: 1px solid var(--line);
  border-radius: 7px;
  padding: 8px 10px;
}
.card h2 {
  font-size: 13.5px;
  margin: 0;
  font-weight: 650;
}
.card .head {
  display: flex;
  flex-wrap: wrap;
  gap: 2px 12px;
  align-items: baseline;
}
.card .head span {
  color: var(--soft);
  font-size: 12.5px;
  font-variant-numeric: tabular-nums;
}
#figure-map {
  height: 478px;
}
#trend-card {
  flex: 1;
  display: flex;
  flex-direction: column;
}
#figure-trend {
  flex: 1;
  min-height: 150px;
}
#figure-scatter {
  height: 380px;
}
#figure-histogram,
#figure-neighbours {
  height: 204px;
}
#legend {
  display: flex;
  flex-wrap: wrap;
  gap: 2px 4px;
  margin-top: 3px;
}
#legend button {
  display: inline-flex;
  align-items: center;
  gap: 5px;
  border: 0;
  background: none;
  padding: 2px 7px 2px 4px;
  border-radius: 4px;
  font-size: 12.5px;
  cursor: pointer;
}
#legend button:hover {
  background: #eef2f4;
}
#legend i {
  width: 14px;
  height: 14px;
  border: 1px solid rgba(0, 0, 0, 0.22);
  border-radius: 3px;
}
#legend b {
  font-weight: 500;
  color: var(--soft);
}
#legend .hatched {
  background: repeating-linear-gradient(135deg, #fff 0 3px, #b5bec5 3px 4px);
}
.card .head #slope-selected {
  color: var(--accent);
  font-weight: 600;
}
.card .head #slope-rest {
  color: var(--rest);
  font-weight: 600;
}
#problem {
  margin: 8px 20px 0;
  padding: 6px 10px;
  border-left: 4px solid #e69f00;
  background: #fff7e6;
  font-size: 13px;
}
.hint {
  color: var(--soft);
  font-size: 12.5px;
  padding: 0 20px;
  margin: 0;
}
section {
  margin: 10px 20px;
}
.scroll {
  overflow: auto;
  max-height: 380px;
  margin-top: 6px;
}
#tables .scroll {
  max-height: none;
}
table {
  border-collapse: collapse;
  font-size: 13px;
  font-variant-numeric: tabular-nums;
}
.rows {
  width: 100%;
}
.rows thead th {
  position: sticky;
  top: 0;
  background: #f7f9fa;
  z-index: 1;
}
th,
td {
  padding: 3px 10px;
  text-align: left;
  border-bottom: 1px solid #edf0f2;
  vertical-align: top;
}
th {
  font-weight: 600;
  border-bottom-color: #bcc6cd;
}
th.number,
td.number {
  text-align: right;
}
th button {
  border: 0;
  background: none;
  padding: 0;
  font-weight: 600;
  cursor: pointer;
  text-align: inherit;
}
tbody tr:hover {
  background: #f3f6f8;
}
#tables table {
  border-block: 2px solid var(--ink);
}
#tables td {
  border-bottom: 0;
}
#tables thead tr:last-child > * {
  border-bottom: 1px solid var(--ink);
}
#tables td + td,
#tables thead th + th {
  text-align: right;
}
#tables h3 {
  font-size: 13.5px;
  margin: 12px 0 4px;
}
footer {
  color: var(--soft);
  font-size: 12px;
  padding: 4px 20px 20px;
}
#tip {
  position: fixed;
  z-index: 30;
  max-width: 340px;
  padding: 6px 9px;
  overflow-wrap: anywhere;
  pointer-events: none;
  background: #fff;
  border: 1px solid #bcc6cd;
  border-radius: 5px;
  box-shadow: 0 2px 9px rgba(0, 0, 0, 0.16);
  font-size: 12.5px;
}
#tip i {
  font-style: normal;
  color: var(--soft);
}
#tip-facts {
  display: grid;
  grid-template-columns: auto auto;
  gap: 1px 14px;
  margin-top: 2px;
}
#tip-facts span:nth-child(odd) {
  color: var(--soft);
}
#tip-facts span:nth-child(even) {
  text-align: right;
  font-variant-numeric: tabular-nums;
}
[hidden] {
  display: none !important;
}
@media (max-width: 1000px) {
  .main {
    grid-template-columns: minmax(0, 1fr);
  }
}
@media print {
  .controls {
    position: static;
  }
  .scroll {
    max-height: none;
  }
}
"""
