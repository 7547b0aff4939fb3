"""The commented study file that `spatial new` writes; it runs as it is, on data that ship."""

from __future__ import annotations

__all__ = ["TEMPLATE"]

TEMPLATE = """\
# A study: everything that a paper needs, from data to tables, in one file.
#   spatial check study.toml     says all that is wrong, without running
#   spatial run study.toml       writes tables/ figures/ gis/ report.html run.json into the folder `output`
#   spatial check --schema       prints the JSON Schema, for editors that complete TOML
# It runs as it is, on data that ship; replace what is yours.

title = "Crime and police in North Carolina"
language = "en"            # "en" or "zh": words in tables, maps and report
seed = 20240501            # of all permutations and draws
output = "out"             # below the folder of this file

# ---- data: a sample, or your own files (relative to this file)
[data]
sample = "nc"
# common = true            # keep the units that map and panel share; run.json says which were cut
#
# [data.cities]
# file = "cities.shp"      # .shp .gpkg .geojson .parquet, or "postgresql://user@host/db" with layer = "table"
# id = "adcode"
#
# [data.panel]
# file = "panel.xlsx"      # .csv .dta .xlsx .parquet, or "postgresql://user@host/db" with table = "table"
# unit = "adcode"
# time = "year"

# ---- cleaning, in this order; tables/cleaning.csv says how many cells each step changed
[[cleaning]]
do = "winsorize"           # interpolate winsorize log shift deflate balance parse_numbers restrict where
columns = ["prbconv"]
share = 0.01

# ---- variables: how they are made, and what readers call them
[variables.lcrmrte]
formula = "log(crmrte)"    # columns, numbers, + - * / ^, comparisons, log exp sqrt abs, lag(x, 1)
en = "Crime rate (log)"
zh = "犯罪率（对数）"

[variables.lpolpc]
formula = "log(polpc)"
en = "Police per capita (log)"
zh = "人均警力（对数）"

# ---- weights, by the name that formulas call
[weights.W]
spec = "queen"             # rook, knn:8, band:200 (km), inverse:1, inverse:1:500, kernel:200, or a file
normalisation = "row"      # row, spectral, minmax or none
islands = "raise"          # units without neighbours: raise, keep or nearest
# bridge = [["Haikou", "Zhanjiang"]]   # queen and rook: pairs to link besides, by id or name
#
# [weights.E]              # nearness of a value: |x_i - x_j| ^ -power
# kind = "economic"
# column = "wage"          # of the panel, else of the map
# times = [1981, 1982]     # its mean over these, best before the sample; default all times
# power = 1.0
#
# [weights.G]              # pull of masses: m_i m_j / km ^ power
# kind = "gravity"
# mass = "population"      # times as above
# power = 2.0
# cutoff_km = 500
#
# [weights.N]              # share of the first, the rest of the second
# kind = "nested"
# weights = ["W", "E"]
# share = 0.5
# row_standardize = false  # both first, where they are not

# ---- Moran's I by time; scatter plot, clusters and local statistics at `times` (default the last)
[[diagnostics]]
columns = ["lcrmrte", "lpolpc"]
permutations = 999
times = [1981, 1987]

# ---- a system of spatial equations: each outcome has a formula
[[systems]]
name = "crime"
formulas = [
  "lcrmrte ~ lpolpc + W(lcrmrte) + log(prbarr) + log(prbconv) + log(density)",
  "lpolpc ~ lcrmrte + W(lpolpc) + log(taxpc) + log(mix) + log(density)",
]
effects = ["unit", "time"]
error = "W"                # spatial errors; leave out for none
method = "gs3sls"
compare = ["3sls", "2sls"] # further columns: the fits crime.3sls and crime.2sls
cov = "cluster"            # cluster:COLUMN, hom, het, conley:200, twoway, driscoll-kraay, wild
draws = 500                # for standard errors of direct, indirect and total effects

# ---- fixed effects, the case W = 0; with "| unit + time | endogenous ~ instruments" by 2SLS
[[regressions]]
name = "fe"
formula = "lcrmrte ~ lpolpc + log(prbarr) + log(prbconv) + log(density)"
effects = ["unit", "time"]

# ---- tables: docx xlsx tex html md csv
[[tables]]
kind = "descriptive"
name = "table1_description"
columns = ["lcrmrte", "lpolpc", "density", "taxpc", "mix"]

[[tables]]
kind = "regression"
name = "table2_crime"
fits = ["crime", "crime.3sls", "crime.2sls", "fe"]

# ---- figures: connectivity neighbours values small_multiples density coefficients impacts effects_map
[[figures]]
kind = "connectivity"
name = "figure1_links"

[[figures]]
kind = "values"
name = "figure2_crime"
column = "lcrmrte"
at = 1987

# ---- layers for QGIS and ArcGIS: gpkg shp geojson parquet
[[layers]]
name = "results"
include = ["data", "local", "residuals", "weights"]
attributes = ["name"]

# ---- report.html: maps and scatter plots linked by brushing, without a network
[report]
columns = ["lcrmrte", "lpolpc"]
name = "name"
"""
