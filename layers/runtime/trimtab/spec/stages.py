"""The stages that there are: what a setting by stage may name. What they differ in is the stacks' matter."""

from typing import Final

STAGES: Final = ("dev", "staging", "prod")
