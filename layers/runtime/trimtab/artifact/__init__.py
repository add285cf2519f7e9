"""A model's files, as bytes: what may be loaded of them, and how far two answers lie apart. Needs numpy at most.

Shared by the job that stores a model, the code inside the artifact that serves it, and the job that judges it.
"""
