"""Latency at a stated load, clients that ask at once, and the first answer of all."""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from trimtab.ports import Answer
from trimtab.rollout.staging.checks import THROTTLED, Check, Probe, shown
from trimtab.rollout.staging.golden import Golden, compared, lines
from trimtab.spec.staging import LoadSpec

WORKERS = 8
"""Requests of a load that may be open at once."""
WARM_UP_REQUESTS = 5
ROUNDS = 10
"""Requests that each of the clients sends one after the other."""
RECORDS = 5
"""Records in each of them."""
MAX_THROTTLED = 0.01
"""Largest share of a load's requests that the endpoint may throttle."""


@dataclass(frozen=True)
class Measured:
    """One request of a load."""

    answer: Answer
    late_ms: float
    """How long after its time it was sent: what a caller waits when the endpoint does not keep up."""

    @property
    def waited_ms(self) -> float:
        return self.late_ms + self.answer.latency_ms


def check_cold_start(probe: Probe, golden: Golden, max_cold_start_s: float) -> Check:
    """Passed when the first request since the endpoint was made is answered rightly, and in time."""
    answer = probe.ask(lines([golden.record]))
    seconds = answer.latency_ms / 1000
    wrong, _ = compared(answer, [golden])
    slow = seconds > max_cold_start_s
    message = wrong or f"first answer after {seconds:.2f} s; limit {max_cold_start_s:g} s"
    return Check("cold start", not (wrong or slow), message, {"first_answer_s": round(seconds, 3)})


def check_load(probe: Probe, golden: Sequence[Golden], load: LoadSpec, max_latency_ms: float) -> Check:
    """Passed when the 99th percentile of single-record requests, sent at their times, is at most ``max_latency_ms``.

    Waiting counts from the time at which a request was due, so that a stall is seen in all whom it would have kept
    waiting. One stall of the machine is not the version's fault: a load that was answered rightly and too late is
    offered once more, and then counts. A throttled request is no failure of the model; too many of them fail the check
    all the same.
    """
    bodies = [lines([each.record]) for each in golden]
    for body in bodies[:WARM_UP_REQUESTS]:
        probe.ask(body)
    first = _offered_once(probe, bodies, load, max_latency_ms)
    if first.passed or first.facts["failed"] or first.facts["throttled"]:
        return first
    again = _offered_once(probe, bodies, load, max_latency_ms)
    before = f"too slow at first (p99 {first.facts['p99_ms']} ms), offered again: "
    return replace(again, message=before + again.message, facts={**again.facts, "first_p99_ms": first.facts["p99_ms"]})


def _offered_once(probe: Probe, bodies: Sequence[bytes], load: LoadSpec, max_latency_ms: float) -> Check:
    began = probe.clock()
    found = list(offered(probe, bodies, load.requests_per_second, load.seconds))
    return _judged(found, probe.clock() - began, load, max_latency_ms)


def offered(probe: Probe, bodies: Sequence[bytes], per_second: float, seconds: float) -> Iterator[Measured]:
    """What became of each request, in order; they leave at their times by at most ``WORKERS`` threads."""
    began = probe.clock()
    with ThreadPoolExecutor(WORKERS) as pool:
        asked: list[Future[Measured]] = []
        for number in range(max(1, round(per_second * seconds))):
            due = began + number / per_second
            probe.wait(max(0.0, due - probe.clock()))
            asked.append(pool.submit(_timed, probe, bodies[number % len(bodies)], due))
        yield from (each.result() for each in asked)


def _timed(probe: Probe, body: bytes, due: float) -> Measured:
    late_ms = max(0.0, probe.clock() - due) * 1000
    return Measured(probe.send(body, "application/jsonlines"), late_ms)


def _judged(found: Sequence[Measured], seconds: float, load: LoadSpec, limit_ms: float) -> Check:
    throttled = [each for each in found if each.answer.status == THROTTLED]
    asked = [each for each in found if each.answer.status != THROTTLED]
    failed = [each for each in asked if each.answer.status != 200]
    times = sorted(each.waited_ms for each in asked) or [math.inf]
    p50, p99 = percentile(times, 0.5), percentile(times, 0.99)
    crowded = len(throttled) > MAX_THROTTLED * len(found)
    message = (
        f"p50 {p50:.1f} ms, p99 {p99:.1f} ms at {load.requests_per_second:g} requests a second for {load.seconds} s: "
        f"{len(found)} sent, {len(failed)} failed, {len(throttled)} throttled; limit {limit_ms:g} ms"
    )
    if crowded:
        message += "; throttling is the endpoint's limit and not the model's: raise its concurrency or lower the load"
    if failed:
        message += f"; the first that failed got {shown(failed[0].answer)}"
    facts = {
        "p50_ms": _finite(p50), "p99_ms": _finite(p99), "requests": len(found), "failed": len(failed),
        "throttled": len(throttled), "offered_per_second": load.requests_per_second,
        "achieved_per_second": round(len(found) / max(seconds, 1e-9), 1),
    }  # fmt: skip
    return Check("latency", p99 <= limit_ms and not failed and not crowded, message, facts)


def _finite(value: float) -> float | None:
    return round(value, 2) if math.isfinite(value) else None


def percentile(ordered: Sequence[float], share: float) -> float:
    """The nearest-rank percentile of values in ascending order; ``share`` is above 0 and at most 1."""
    return ordered[math.ceil(share * len(ordered)) - 1]


def check_clients(probe: Probe, golden: Sequence[Golden], clients: int) -> Check:
    """Passed when each of so many clients that ask at once gets the answers to its own records."""
    with ThreadPoolExecutor(clients) as pool:
        found = list(pool.map(lambda client: list(_asks(probe, golden, client, clients)), range(clients)))
    wrong = [each for one in found for each in one if each]
    asked = clients * ROUNDS
    message = f"{clients} clients, {asked} requests of {RECORDS} records at once, {len(wrong)} answered wrongly"
    facts = {"clients": clients, "requests": asked, "wrong": len(wrong)}
    return Check("clients at once", not wrong, f"{message}: {wrong[0]}" if wrong else message, facts)


def _asks(probe: Probe, golden: Sequence[Golden], client: int, clients: int) -> Iterator[str]:
    """What is wrong with each of one client's answers; neighbouring clients ask for other records."""
    for turn in range(ROUNDS):
        start = (turn * clients + client) * RECORDS
        mine = [golden[(start + offset) % len(golden)] for offset in range(RECORDS)]
        yield compared(probe.ask(lines([each.record for each in mine])), mine)[0]
