"""The linear solver without its banner, which would otherwise end up in what commands print as JSON."""

from __future__ import annotations

import highspy


class QuietHighs(highspy.Highs):  # type: ignore[misc]  # highspy has no types
    """HiGHS that prints nothing and computes on one thread, so that results do not depend on the machine."""

    def __init__(self) -> None:
        super().__init__()
        self.setOptionValue("threads", 1)

    def enableCallbacks(self) -> None:  # noqa: N802  # the first thing its constructor does, and what prints
        self.setOptionValue("output_flag", False)
        super().enableCallbacks()
