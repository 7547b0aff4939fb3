"""Places: coordinate systems, points, centroids, distances on the sphere."""
