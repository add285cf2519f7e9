"""Judges a new fleet against the old one in the same minutes: pure, and needs nothing but Python."""

from trimtab.rollout.judge.fixed_looks import FleetCounts as FleetCounts
from trimtab.rollout.judge.fixed_looks import Verdict as Verdict
from trimtab.rollout.judge.fixed_looks import binomial_greater as binomial_greater
from trimtab.rollout.judge.fixed_looks import fisher_greater as fisher_greater
from trimtab.rollout.judge.fixed_looks import judge_errors as judge_errors
