"""The plain front alone: what of every time is the front's and the network's."""

from benchmarks.front import serve

serve(lambda body, content_type: (body, content_type))
