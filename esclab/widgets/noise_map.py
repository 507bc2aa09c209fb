"""The noise lab's sensitivity map: noise moved over the whole clip beside the gestures, with progress and a Stop."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import ipywidgets as widgets
import numpy as np

from esclab.results import SensitivityResult
from esclab.training.run import Run
from esclab.widgets.explorer import make_button
from esclab.widgets.plot import Plot
from esclab.widgets.work_bar import WorkBar
from esclab.widgets.working import Report, WorkingController

if TYPE_CHECKING:
    from torch import nn

SLOTS, RANGES = 10, 8


@dataclass(frozen=True)
class MapQuestion:
    """What a map belongs to; where any of it changes, the map says nothing any more.

    Attributes
    ----------
    clip : str
    kind : str
    snr_db : float
    seed : int
        Of the noise.
    class_name : str
        Whose score is followed.
    """

    clip: str
    kind: str
    snr_db: float
    seed: int
    class_name: str


class MapController(WorkingController):
    """Measures a map in a thread of its own.

    Attributes
    ----------
    result : SensitivityResult or None
        Of the present question.
    """

    def __init__(self) -> None:
        super().__init__()
        self.result: SensitivityResult | None = None
        self._question: MapQuestion | None = None

    def measure(
        self,
        question: MapQuestion,
        run: Run,
        samples: np.ndarray,
        *,
        name: str,
        label: str,
        frames: int | None = None,
    ) -> None:
        """Measure where a clip is tender for a run; the map before stays until then.

        Parameters
        ----------
        question : MapQuestion
        run : Run
        samples : ndarray of shape (sample,)
        name, label : str
            What run and clip are called.
        frames : int, optional
            The clip's own, see `Run.count_own_frames`.
        """
        from esclab.analysis.sensitivity import measure_sensitivity

        def work(report: Report) -> Callable[[], None]:
            feature = run.build_feature()  # like the network one of its own: the lab's are used by gestures meanwhile
            _report_passes(cast("nn.Module", feature), report)
            found = measure_sensitivity(
                run.load_model(), feature, [samples], targets=[run.config.class_names.index(question.class_name)],
                slots=SLOTS, ranges=RANGES, kind=question.kind, snr_db=question.snr_db, reference="clip",
                seeds=[question.seed], frames=None if frames is None else [frames], name=name,
                class_name=question.class_name, label=label,
            )  # fmt: skip
            return lambda: setattr(self, "result", found)

        with self.lock:
            self._question = question
            self.start("Sensitivity map", work)

    def follow(self, question: MapQuestion) -> None:
        """Drop the map, and one that is under way, where they answer another question."""
        with self.lock:
            if self._question not in (None, question):
                self._question = self.result = None
                self.message = ""
                self.stop()


class MapPanel:
    """Button, choice of model, progress and plot of the map.

    Parameters
    ----------
    controller : MapController
    labels : sequence of str
        Names of the models.
    measure : callable
        Called with the number of a model to measure its map.
    tell : callable
        Called with what went wrong.

    Attributes
    ----------
    button, model : ipywidgets widget
    work : WorkBar
    plot : Plot
    """

    def __init__(
        self,
        controller: MapController,
        labels: Sequence[str],
        *,
        measure: Callable[[int], None],
        tell: Callable[[str], None],
    ) -> None:
        self._controller, self._tell = controller, tell
        self._shown: SensitivityResult | None = None
        self.button = make_button(
            "Sensitivity map", "Move the noise over the whole clip and map what it costs (some seconds)"
        )
        self.model = widgets.Dropdown(
            options=[(label, number) for number, label in enumerate(labels)], description="of",
            tooltip="For which model", style={"description_width": "20px"}, layout=widgets.Layout(width="120px"),
        )  # fmt: skip
        self.work, self.plot = WorkBar(controller), Plot()
        self.button.on_click(lambda _: controller.attempt(lambda: measure(self.model.value)))
        controller.subscribe(self.refresh)

    def refresh(self) -> None:
        """Bring progress and plot to the controller's state."""
        from esclab.figures import draw

        with self._controller.lock:
            self.work.refresh()
            result = self._controller.result
            if result is not self._shown:
                self._shown = result
                self.plot.paint(None if result is None else draw("sensitivity", result))
            if self._controller.message:
                self._tell(self._controller.message)


def _report_passes(feature: nn.Module, report: Report) -> None:
    """Report each time the front end hears the clip: clean, and with noise in each cell of the grid."""
    passes = itertools.count()
    count = SLOTS * RANGES + 1
    feature.register_forward_pre_hook(lambda *_: report(min(next(passes), count), count))
