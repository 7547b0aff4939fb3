"""Layers for QGIS, ArcGIS and PostGIS: styled GeoPackages and tables of features."""
