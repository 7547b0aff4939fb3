"""Papers as studies: one folder a paper, its study.toml and nothing else."""
