"""Computing: compiled kernels, random counters, threads, p-values."""
