"""Train one fusion over many seeds at once, keep each seed's best epoch, resume after a kill.

Everything random comes from (seed, epoch, step), so that a seed comes to the same numbers whichever seeds train beside
it, and an interrupted training goes on to the numbers of an undisturbed one.
"""

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from jcalib.allocator import give_back_freed_memory, keep_freed_memory
from jcalib.clips import sequence_rows, training_rows
from jcalib.concordance import ConcordanceLoss, ccc
from jcalib.features import Features
from jcalib.files import alone, replacing, write_json
from jcalib.fusion.registry import FUSIONS, check_modalities
from jcalib.progress import stage
from jcalib.provenance import provenance
from jcalib.settings import Preset, UserError
from jcalib.settings import preset as preset_of
from jcalib.training.batched import Ensemble, pick_device
from jcalib.training.calibration import calibrate
from jcalib.training.dropout import drop_modality, step_keys
from jcalib.training.evaluation import Resident, frame_table, predict_rows, score, scored
from jcalib.training.memory import peak_bytes
from jcalib.training.reference import KEPT_ROWS, Reference
from jcalib.training.run import REFERENCE, TARGETS, Epoch, Run, RunSettings, code_of, runs_folder, seeds_of
from jcalib.training.selection import Selection

SAVE_EVERY = 5.0  # seconds between saved states; a kill costs at most that much work


def fit(
    fusion: str,
    features: Features,
    seeds: int | Sequence[int] | None = None,
    preset: str | Preset = "quick",
    on_epoch: Callable[[Epoch], None] | None = None,
    device: str = "auto",
) -> Run:
    """Train a fusion with S seeds; a run with the same settings is not trained again.

    Args:
        fusion: name of a registered fusion.
        features: what it is trained and evaluated on.
        seeds: S, for the seeds 0 to S - 1, or the seeds themselves; the preset's number by default.
        preset: where size, optimiser and epochs come from.
        on_epoch: called after each epoch.
        device: "auto", "cpu" or "cuda".

    Returns:
        The finished run.

    Raises:
        UserError: unknown fusion or preset, too few clips for a sequence, a modality nobody has, or constant labels.
    """
    keep_freed_memory()
    chosen = preset_of(preset)
    check_modalities(fusion, features.modalities)
    settings = RunSettings(
        fusion=fusion,
        seeds=seeds_of(chosen.seeds if seeds is None else seeds),
        training=chosen.training,
        features=features.source,
        audio_dim=features.audio.shape[1],
        visual_dim=features.visual.shape[1],
        one_label=features.one_label,
        device=pick_device(device).type,
        code=code_of(fusion),
    )
    folder = runs_folder() / settings.name
    with stage(f"train {fusion}", settings.training.epochs) as progress, alone(settings.name):
        if Run(folder, settings).is_whole():
            progress.note(f"unchanged, {len(settings.seeds)} seeds")
            return Run(folder, settings)
        training = _Training(settings, features, folder)

        def after(epoch: Epoch) -> None:
            progress.advance()
            if on_epoch:
                on_epoch(epoch)

        run = training.finish(training.run(after))
        give_back_freed_memory()
        means = run.frame().groupby("target", sort=False)["ccc"].mean()
        reached = f"{len(settings.seeds)} seeds, CCC V {means['valence']:.3f} A {means['arousal']:.3f}"
        progress.note("; ".join(filter(None, (reached, training.selection.note))))
    return run


class _Training:
    """The state of one training, on the device and on disk."""

    def __init__(self, settings: RunSettings, features: Features, folder: Path) -> None:
        self.settings, self.features, self.folder = settings, features, folder
        self.device = torch.device(settings.device)
        self.data = Resident(features, self.device)
        self.ensemble = Ensemble.create(settings.build, settings.seeds, self.device)
        for parameter in self.ensemble.parameters.values():
            parameter.requires_grad_()
        size = settings.training
        self.optimizer = torch.optim.AdamW(
            list(self.ensemble.parameters.values()), lr=size.learning_rate, weight_decay=size.weight_decay, fused=True
        )
        self.loss = ConcordanceLoss()
        self.drops = size.modality_dropout if len(FUSIONS[settings.fusion].reads) > 1 else 0
        self.pool, self.sequences = self._pool()
        self.selection = Selection.of(features, size.select_on)
        self.best_score = np.full(len(settings.seeds), -math.inf)
        self.best_epoch = np.zeros(len(settings.seeds), dtype=int)
        self.best = {name: tensor.clone() for name, tensor in self.ensemble.tensors().items()}
        self.history: list[dict[str, float]] = []
        self.epoch = 0
        self.seconds = 0.0

    def _pool(self) -> tuple[Tensor, int]:
        """Return the rows (N, L) of all complete training sequences, and how many sequences an epoch takes."""
        clips, stride = self.settings.training.clips, self.features.stride
        lasts, rows = [], 0
        for one in self.features.of_role("fusion"):
            first, count = self.features.span(one)
            lasts.append(training_rows(count, stride, clips) + first)
            rows += count
        pool = np.concatenate(lasts) if lasts else np.zeros(0, dtype=np.int64)
        if not len(pool):
            raise UserError(
                f"no fusion person's recording holds a sequence of {clips} clips: use longer recordings or fewer clips."
            )
        return torch.from_numpy(sequence_rows(pool, stride, clips)), min(len(pool), math.ceil(rows / clips))

    def run(self, on_epoch: Callable[[Epoch], None]) -> float:
        """Train to the last epoch and return the wall time in seconds, that before a kill included."""
        self._resume()
        for epoch in range(self.epoch):
            on_epoch(self._told(epoch))
        saved = start = time.monotonic()
        before = self.seconds
        while self.epoch < self.settings.training.epochs:
            loss = self._train_epoch()
            selection = self._select()
            self._keep(loss, selection)
            self.epoch += 1
            self.seconds = before + time.monotonic() - start
            if time.monotonic() - saved > SAVE_EVERY:
                self._save()
                saved = time.monotonic()
            on_epoch(self._told(self.epoch - 1))
        return self.seconds

    def _told(self, epoch: int) -> Epoch:
        rows = [row for row in self.history if row["epoch"] == epoch]
        selection = [[row[f"selection_{name}"] for name in TARGETS] for row in rows]
        return Epoch(epoch, np.array([row["loss"] for row in rows]), np.array(selection))

    def _train_epoch(self) -> np.ndarray:
        size, number = self.settings.training, self.epoch
        for group in self.optimizer.param_groups:
            group["lr"] = size.rate(number)
        batches = self._shuffled(number).split(size.batch, dim=1)
        keys = step_keys(self.settings.seeds, number, len(batches)).to(self.device)
        total = torch.zeros(len(self.settings.seeds), device=self.device)
        for rows, key in zip(batches, keys, strict=True):
            total += self._backward(rows, key)
            self.optimizer.step()
        return (total / len(batches)).cpu().numpy()

    def _backward(self, rows: Tensor, key: Tensor) -> Tensor:
        """Return each seed's loss on its own batch, and leave the gradients."""
        self.optimizer.zero_grad(set_to_none=True)
        audio, visual, mask, target = self.data.gather(rows)
        if self.drops:
            mask = drop_modality(mask, key, self.drops)
        losses = self.ensemble.losses(self.loss, audio, visual, mask, target, keys=key)
        losses.sum().backward()
        return losses.detach()

    def _peak_bytes(self) -> int:
        """Return the memory of a training step: parameters, the optimiser's moments, and what a batch makes of them."""
        rows = self._shuffled(0)[:, : self.settings.training.batch]
        key = step_keys(self.settings.seeds, 0, 1)[0].to(self.device)
        self.optimizer.zero_grad(set_to_none=True)
        held = tree_leaves([self.ensemble.tensors(), self.optimizer.state_dict()["state"]])
        return peak_bytes(lambda: self._backward(rows, key)) + sum(one.nbytes for one in held)

    def _shuffled(self, epoch: int) -> Tensor:
        """Return the rows of each seed's own sequences of an epoch, (S, sequences, L), on the device."""
        orders = []
        for seed in self.settings.seeds:
            generator = torch.Generator().manual_seed(1_000_003 * seed + epoch)
            orders.append(torch.randperm(len(self.pool), generator=generator)[: self.sequences])
        return self.pool[torch.stack(orders)].to(self.device)

    def _select(self) -> np.ndarray:
        names = self.selection.recordings
        grid = predict_rows(self.ensemble, self.data, self.features, names, self.settings.training.clips)
        predicted, labels = scored(self.features, names, grid)
        target, mask = torch.from_numpy(labels), torch.from_numpy(~np.isnan(predicted[0]))
        return np.stack([ccc(torch.from_numpy(one), target, mask).numpy() for one in predicted])

    def _keep(self, loss: np.ndarray, selection: np.ndarray) -> None:
        score = self.selection.score(selection)
        better = score > self.best_score
        if better.any():
            index = torch.from_numpy(np.flatnonzero(better)).to(self.device)
            for name, tensor in self.ensemble.tensors().items():
                self.best[name][index] = tensor[index]
        self.best_score = np.where(better, score, self.best_score)
        self.best_epoch = np.where(better, self.epoch, self.best_epoch)
        for place, seed in enumerate(self.settings.seeds):
            row = {"epoch": self.epoch, "seed": seed, "loss": float(loss[place])}
            row |= {f"selection_{name}": float(selection[place, k]) for k, name in enumerate(TARGETS)}
            self.history.append(row)

    @property
    def _state_file(self) -> Path:
        return self.folder / "training.pt"

    def _save(self) -> None:
        state = {
            "ensemble": self.ensemble.state(),
            "best": self.best,
            "optimizer": self.optimizer.state_dict(),
            "best_score": self.best_score.tolist(),
            "best_epoch": self.best_epoch.tolist(),
            "history": self.history,
            "epoch": self.epoch,
            "seconds": self.seconds,
        }
        with replacing(self._state_file) as beside:
            torch.save(state, beside)

    def _resume(self) -> None:
        if not self._state_file.is_file():
            return
        state = torch.load(self._state_file, weights_only=True, map_location=self.device)
        self.ensemble.load(state["ensemble"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.best = state["best"]
        self.best_score = np.array(state["best_score"])
        self.best_epoch = np.array(state["best_epoch"])
        self.history, self.epoch, self.seconds = state["history"], state["epoch"], state["seconds"]

    def finish(self, seconds: float) -> Run:
        """Evaluate each seed's best epoch on the report persons and write the run's folder."""
        from safetensors.torch import save_file

        self.ensemble.load(self.best)
        table, selected = self._predictions("report"), self._predictions("selection")
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self.folder / "settings.json", self.settings.model_dump(mode="json"))
        with replacing(self.folder / "checkpoint.safetensors") as beside:
            save_file(self.ensemble.state(), beside)
        with replacing(self.folder / "history.csv") as beside:
            pd.DataFrame(self.history).to_csv(beside, index=False)
        with replacing(self.folder / "predictions.parquet") as beside:
            table.to_parquet(beside, index=False)
        write_json(self.folder / "metrics.json", self._metrics(table, seconds))
        calibrations = {target: calibrate(selected, table, target).model_dump() for target in TARGETS}
        write_json(self.folder / "calibration.json", calibrations)
        if self.features.encoding:
            write_json(self.folder / "encoding.json", self.features.encoding.model_dump())
            Reference.of(self.features, self.settings.training.clips, KEPT_ROWS).write(self.folder / REFERENCE)
        write_json(self.folder / "provenance.json", provenance())
        self._state_file.unlink(missing_ok=True)
        run = Run(self.folder, self.settings)
        run.write_status()
        return run

    def _predictions(self, role: str) -> pd.DataFrame:
        """Return predictions and labels of every frame of the persons with a role; empty where there are none."""
        names = self.features.of_role(role)
        if not names:
            return pd.DataFrame()
        grid = predict_rows(self.ensemble, self.data, self.features, names, self.settings.training.clips)
        return frame_table(self.features, names, grid, self.settings.seeds)

    def _metrics(self, table: pd.DataFrame, seconds: float) -> dict[str, object]:
        parameters = sum(p[0].numel() for p in self.ensemble.parameters.values())
        of_seed = table.groupby("seed")
        scores = [
            score(of_seed.get_group(seed), target) | {"seed": seed, "target": target}
            for seed in self.settings.seeds
            for target in TARGETS
        ]
        return {
            "scores": scores,
            "best_epoch": self.best_epoch.tolist(),
            **self.selection.record(self.best_score),
            "parameters": parameters,
            "train_seconds": round(seconds, 2),
            "train_peak_mb": self._peak_bytes() / 2**20,
        }
