"""A command from its options to its result: the job, the parts it needs, the run."""
