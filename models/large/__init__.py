"""Systems of panels that stay on disk: GS3SLS as a function of sums over periods."""
