"""What the training machine decides between its jobs: who may run, what a run was made of, how it ended. Pure."""
