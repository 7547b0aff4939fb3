"""From formula and panel to aligned arrays: cells, columns, effects, instruments."""
