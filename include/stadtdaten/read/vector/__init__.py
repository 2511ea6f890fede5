"""Features with geometries (GML, GeoJSON, ArcGIS JSON, shapefile, GeoPackage, KML) and dBASE tables."""
