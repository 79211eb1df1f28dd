"""Valence and arousal of new videos: what a run predicts, how far it may be off, and the files that show it."""

from jcalib.prediction.files import Predicted, predict_files
from jcalib.prediction.predictor import Predictor, find_run, predict
from jcalib.prediction.result import Prediction

__all__ = ["Predicted", "Prediction", "Predictor", "find_run", "predict", "predict_files"]
