"""Files and databases: sources, encodings, shapefiles, panel files, whole-or-nothing writing."""
