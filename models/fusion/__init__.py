"""Fusion: one calibrated posterior from response model, signed paths and habits."""

from models.fusion.checkpoint import WEIGHTS as WEIGHTS
from models.fusion.checkpoint import Floats as Floats
from models.fusion.checkpoint import Scope as Scope
from models.fusion.posterior import Fusion as Fusion
from models.fusion.posterior import PathKind as PathKind
from models.fusion.posterior import Support as Support
from models.fusion.posterior import balance as balance
from models.fusion.posterior import logit as logit
from models.fusion.posterior import strength as strength
