"""Where every running part of an execution stands, so that a redrive goes on there.

A part is the machine itself, a branch of a Parallel state or an iteration of an inline Map; its place is the way to it.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType

from localcloud.cloud import Cloud

Place = tuple[Any, ...]

_ASL: Final = "moto.stepfunctions.parser.asl"
_KEPT_AS_IT_GROWS: Final = 1000  # events; a longer history is kept when the execution ends
_FULL: Final = "The execution reached the maximum number of history events (25000)."


@dataclass
class Point:
    """The state that a part is in (None: it has ended), and the data that the state got or the part gave."""

    state: str | None
    data: Any


class Points:
    """The points that an execution has reached, and those at which its redrive goes on."""

    def __init__(self) -> None:
        self._reached: dict[Place, Point] = {}
        self._resumed: dict[Place, Point] = {}

    def resume(self) -> None:
        """The next evaluation goes on where this one has stopped."""
        self._resumed, self._reached = self._reached, {}

    def taken_up(self, place: Place) -> Point | None:
        """Where the part at `place` goes on; None when it begins at its start. Asked once per redrive."""
        return self._resumed.pop(place, None)

    def enter(self, place: Place, state: str, data: Any) -> None:
        """The part has come to a state."""
        self._reached[place] = Point(state, copy.deepcopy(data))

    def leave(self, place: Place, state: str) -> None:
        """The part has passed a state: what went on inside it no longer matters."""
        for points in (self._reached, self._resumed):
            for inner in list(_below(points, (*place, state))):
                del points[inner]

    def end(self, place: Place, data: Any) -> None:
        """The part has succeeded and gives `data`."""
        self._reached[place] = Point(None, copy.deepcopy(data))


def _below(points: dict[Place, Point], place: Place) -> Iterator[Place]:
    return (found for found in points if found[: len(place)] == place)


def install(cloud: Cloud) -> None:
    """Executions remember where they stand; no state begins when the history is full."""
    _install_places(cloud)

    def evaluate_program(program: Any, env: Any) -> None:
        points = env.event_manager.execution.points
        env.place = (*env.place, program.start_at.start_at_name, *_iteration(env))
        point = points.taken_up(env.place)
        if point is not None:
            _go_on(env, point)
        original_program(program, env)
        if _status(env) == "ProgramEnded":
            points.end(env.place, env.states.get_input())

    def evaluate_state(state: Any, env: Any) -> None:
        history = env.event_manager
        if history.is_full:
            raise _failure(env, _FULL)
        points = history.execution.points
        points.enter(env.place, state.name, env.states.get_input())
        original_state(state, env)
        if _status(env) in ("ProgramRunning", "ProgramEnded"):
            points.leave(env.place, state.name)
            if history.last_id < _KEPT_AS_IT_GROWS:
                history.execution.keep(history.execution)

    reason = "nothing to go on from after a failure, and no end to the history"
    replace = cloud.patches.replace
    original_program = replace(f"{_ASL}.component.program.program:Program._eval_body", evaluate_program, reason)
    original_state = replace(f"{_ASL}.component.state.state:CommonStateField._eval_body", evaluate_state, reason)


def _install_places(cloud: Cloud) -> None:
    """Frames, in which parts of an execution run, know their place."""

    def frame_of(cls: Any, env: Any, *arguments: Any, **keywords: Any) -> Any:
        frame = original.__func__(cls, env, *arguments, **keywords)
        frame.place = (*env.place, env.next_state_name)
        return frame

    target = f"{_ASL}.eval.environment:Environment.as_inner_frame_of"
    original = cloud.patches.replace(target, classmethod(frame_of), "frames do not know where they are")


def _status(env: Any) -> str:
    return type(env.program_state()).__name__


def _iteration(env: Any) -> tuple[int, ...]:
    context = env.states.context_object.context_object_data
    return (context["Map"]["Item"]["Index"],) if "Map" in context else ()


def _go_on(env: Any, point: Point) -> None:
    env.states.reset(input_value=point.data)
    if point.state is None:
        env.set_ended()
    else:
        env.next_state_name = point.state


def _failure(env: Any, cause: str) -> FailureEventException:
    kind = StatesErrorNameType.StatesRuntime
    details = {"executionFailedEventDetails": {"error": kind.to_name(), "cause": cause}}
    return FailureEventException(FailureEvent(env, StatesErrorName(typ=kind), "ExecutionFailed", details))
