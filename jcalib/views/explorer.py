"""The explorer: a recording's face, sound, predictions and maps in JupyterLab, one slider over all of them."""

import html
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from jcalib.progress import Stage, listening
from jcalib.settings import UserError
from jcalib.views.explorer_picture import HEIGHT, WIDTH, picture, png, still

if TYPE_CHECKING:
    import ipywidgets

    from jcalib.corpora import Corpus
    from jcalib.explain import Attending, Playback
    from jcalib.features import Features
    from jcalib.training import Run

MEAN = "mean over seeds"
TARGETS = ("valence", "arousal")
PLAYBACKS = 8  # that are kept, and as many recordings: 15 MB each in quick
STILLS = 8  # pictures without what moves that are kept, of 2.2 MB each; they keep their playback, so no more of them

Load = Callable[[str, str, str, int | None], "Playback"]  # recording, target, method, seed or None
Attend = Callable[[str, str, int | None], "Attending"]  # recording, fusion, seed or None


class Explorer:
    """Recordings to look into.

    Args:
        load: (recording, target, method, seed) to a playback of all fusions; seed is None for the mean over seeds. What
            it keeps on disk comes at once, the rest is computed while a line says how far it is.
        attend: (recording, fusion, seed) to the fusion's own maps.
        recordings: their names.
        methods: of attribution, the first is shown first.
        target: what is shown first.
        seeds: that can be chosen beside the mean.
    """

    def __init__(
        self,
        load: Load,
        attend: Attend,
        recordings: Sequence[str],
        methods: Sequence[str],
        target: str = "valence",
        seeds: Sequence[int] = (),
    ) -> None:
        self._load, self._attend = load, attend
        self.recordings, self.methods, self.target, self.seeds = list(recordings), list(methods), target, list(seeds)
        self._playbacks = lru_cache(maxsize=PLAYBACKS)(lambda *choice: self._load(*choice))
        self._attending = lru_cache(maxsize=PLAYBACKS)(lambda *choice: self._attend(*choice))
        self._still = lru_cache(maxsize=STILLS)(still)

    @classmethod
    def of(
        cls, runs: "Sequence[Run]", corpus: "Corpus", features: "Features", first: str = "", target: str = "valence"
    ) -> "Explorer":
        """Explore the report recordings of a corpus.

        Args:
            runs: trained on `features`, one a fusion.
            corpus: where the recordings are.
            features: of the corpus, made by the kit's encoders.
            first: the recording that is shown first.
            target: what is shown first.
        """
        from jcalib.explain import METHODS, attending, playback
        from jcalib.explain.source import Source

        recordings = {one.name: one for one in corpus.recordings}
        source = lru_cache(maxsize=PLAYBACKS)(lambda name: Source.of(recordings[name], features))
        by_name = {run.settings.fusion: run for run in runs}
        names = [features.recordings[one].name for one in features.of_role("report")]
        seeds = [seed for seed in runs[0].settings.seeds if all(seed in run.settings.seeds for run in runs)]
        return cls(
            lambda name, which, method, seed: playback(
                runs, corpus, features, name, [which], method, seed, source(name)
            ),
            lambda name, fusion, seed: attending(by_name[fusion], features, name, seed),
            sorted(names, key=lambda name: name != first),
            tuple(METHODS),
            target,
            seeds,
        )

    def playback(self, recording: str, target: str, method: str, seed: int | None = None) -> "Playback":
        """Return what is shown, loaded once while it is among the last few."""
        return self._playbacks(recording, target, method, seed)

    def attending(self, recording: str, fusion: str, seed: int | None = None) -> "Attending":
        """Return a fusion's own maps, computed once while they are among the last few."""
        return self._attending(recording, fusion, seed)

    def picture(self, playback: "Playback", attending: "Attending", target: str, frame: int) -> np.ndarray:
        """Return what is shown of one frame, uint8 (680, 1080, 3).

        Args:
            playback: what of.
            attending: the fusion's own maps.
            target: whose prediction.
            frame: where the playhead is.
        """
        key = (playback, attending, target)
        return picture(self._still(*key), *key, frame)

    def words(self, playback: "Playback", fusion: str, target: str, frame: int) -> str:
        """Return the numbers at a frame as one line of HTML."""
        column = TARGETS.index(target)
        parts = [f"<b>{playback.times[frame]:.2f} s</b>"]
        if np.isfinite(playback.true[frame, column]):
            parts.append(f"true {playback.true[frame, column]:+.2f}")
        for name in playback.fusions:
            track = playback.track(name, target)
            spread = f" ± {track.spread[frame]:.2f}" if np.isfinite(track.spread[frame]) else ""
            value = f"{track.prediction[frame]:+.2f}" if np.isfinite(track.prediction[frame]) else "–"
            parts.append(f"{html.escape(name)} {value}{spread}")
        clip = playback.clip_at(frame)
        if not playback.seen[frame]:
            parts.append("no face in this frame")
        if clip is None:
            parts.append("no map: no whole clip ends after this")
        else:
            voice, face = playback.track(fusion, target).sums[clip]
            sums = f": face {face:+.3f}, voice {voice:+.3f}" if playback.complete else ""
            parts.append(
                f"maps explain {html.escape(fusion)} at {playback.times[playback.explained[clip]]:.2f} s{sums}"
            )
        return " · ".join(parts).replace("-", "−")

    def widget(self) -> "ipywidgets.Widget":
        """Return the live widget, which follows its controls; whatever goes wrong is one line in it."""
        return Live(self).box


class Live:
    """The controls and what they change.

    Args:
        explorer: what is explored.
    """

    def __init__(self, explorer: Explorer) -> None:
        import ipywidgets as widgets

        self._explorer = explorer
        narrow = {"style": {"description_width": "initial"}, "layout": widgets.Layout(width="auto")}
        small = {"style": {"button_width": "auto"}, "layout": widgets.Layout(width="auto")}
        names = explorer.recordings
        # A value of None is no choice to a Dropdown, and its box stays empty: the mean over seeds is its own name.
        seeds = [(MEAN, MEAN), *((f"seed {seed}", seed) for seed in explorer.seeds)]
        methods = [(name.replace("_", " "), name) for name in explorer.methods]
        self.recording = widgets.Dropdown(
            options=names, value=names[0] if names else None, description="recording", **narrow
        )
        self.target = widgets.ToggleButtons(options=TARGETS, value=explorer.target, **small)
        self.fusion = widgets.ToggleButtons(options=[], **small)
        self.seed = widgets.Dropdown(options=seeds, description="seeds", **narrow)
        self.method = widgets.Dropdown(options=methods, description="method", **narrow)
        wide = widgets.Layout(width=f"{WIDTH}px", max_width="100%")
        self.frame = widgets.IntSlider(0, 0, 1, description="frame", continuous_update=True, layout=wide)
        self.image = widgets.Image(format="png", width=WIDTH, height=HEIGHT, layout=widgets.Layout(max_width="100%"))
        self.line = widgets.HTML()
        row = widgets.HBox([self.recording, self.target, self.fusion, self.seed, self.method])
        row.layout.flex_flow = "row wrap"
        self.box = widgets.VBox([row, self.frame, self.line, self.image])
        for control in (self.recording, self.target, self.seed, self.method):
            control.observe(self._chosen, "value")
        for control in (self.fusion, self.frame):
            control.observe(self._moved, "value")
        self._playback: Playback | None = None
        self._chosen()

    def _chosen(self, _: object = None) -> None:
        """Load what is chosen and draw it."""
        with _Said(self.line, self.image):
            self._playback = None
            choice = {"recording": self.recording.value, "method": self.method.value, "seed": self.seed.value}
            for name, value in choice.items():
                if value is None:
                    raise UserError(f"choose a {name}: none is chosen.")
            with listening(_Counting(self.line)):
                found = self._explorer.playback(choice["recording"], self.target.value, choice["method"], self._seed())
            names = list(found.fusions)
            if list(self.fusion.options) != names:
                self.fusion.options = names
                self.fusion.value = names[0]
            self._playback = found
            self.frame.max = len(found.times) - 1
            self._draw()

    def _seed(self) -> int | None:
        return None if self.seed.value == MEAN else self.seed.value

    def _moved(self, _: object = None) -> None:
        with _Said(self.line, self.image):
            self._draw()

    def _draw(self) -> None:
        if self._playback is None or self.fusion.value is None:
            return
        attending = self._explorer.attending(self.recording.value, self.fusion.value, self._seed())
        chosen = self.target.value, self.frame.value
        self.image.value = png(self._explorer.picture(self._playback, attending, *chosen))
        self.line.value = self._explorer.words(self._playback, self.fusion.value, *chosen)


class _Said:
    """Says in one line what went wrong, over no picture: one of another choice misleads, a traceback helps nobody."""

    def __init__(self, line: Any, image: Any) -> None:
        self._line, self._image = line, image

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, Exception):
            return False
        words = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        self._line.value = f'<span style="color:#b42318">{html.escape(" ".join(words.split()))}</span>'
        self._image.value = png(np.full((HEIGHT, WIDTH, 3), 255, np.uint8))
        return True


class _Counting:
    """Says how far a computation is."""

    def __init__(self, line: Any) -> None:
        self._line = line

    def started(self, stage: Stage) -> None:
        """Say what is begun."""
        self.advanced(stage)

    def advanced(self, stage: Stage) -> None:
        """Say how much of it is done."""
        self._line.value = html.escape(f"computing: {stage.name}, {stage.done} of {stage.total or '?'} clips")

    def finished(self, stage: Stage) -> None:
        """Leave the line to what comes next."""
