"""Speed and power of the evaluation.

python -m benchmarks.evaluation speed [--rows N] [--rounds N]
python -m benchmarks.evaluation job [--rows N] [--rounds N]
python -m benchmarks.evaluation power [--trials N] [--rounds N]
"""

import argparse

from benchmarks.evaluation.power import print_power
from benchmarks.evaluation.speed import print_speed
from benchmarks.evaluation.whole_job import print_whole_job


def main() -> None:
    """The table has been printed."""
    parser = argparse.ArgumentParser(description="Speed and power of the evaluation.")
    commands = parser.add_subparsers(required=True, dest="command")
    speed = commands.add_parser("speed", help="a report of many rows beside scikit-learn's bare metrics")
    speed.add_argument("--rows", type=int, default=1_000_000)
    speed.add_argument("--rounds", type=int, default=300)
    job = commands.add_parser("job", help="the whole evaluation job as a process, scoring included")
    job.add_argument("--rows", type=int, default=1_000_000)
    job.add_argument("--rounds", type=int, default=300)
    job.add_argument("--profile", default=None, help="write a cProfile of the job's own process there")
    power = commands.add_parser("power", help="how often the champion's rule promotes, by the true advantage")
    power.add_argument("--trials", type=int, default=400)
    power.add_argument("--rounds", type=int, default=300)
    options = parser.parse_args()
    if options.command == "speed":
        print_speed(options.rows, options.rounds)
    elif options.command == "job":
        print_whole_job(options.rows, options.rounds, options.profile)
    else:
        print_power(options.trials, options.rounds)


if __name__ == "__main__":
    main()
