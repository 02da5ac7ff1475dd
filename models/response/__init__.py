"""How a readout gene responds to a perturbation, learnt from the training rows of the screens."""

from models.response.model import Ground, Habit, ResponseModel
from models.response.schema import Analogue, Outcome, ResponsePrediction

__all__ = ["Analogue", "Ground", "Habit", "Outcome", "ResponseModel", "ResponsePrediction"]
