"""Names that moved, for benchmarks that are being moved too; goes with them."""

from models.inputs.screens import CELL_LINES as CELL_LINES
from models.inputs.screens import SCREEN_FILES as SCREEN_FILES
from models.inputs.screens import UNKNOWN as UNKNOWN
from models.inputs.screens import BoolArray as BoolArray
from models.inputs.screens import IntArray as IntArray
from models.inputs.screens import Rows as Rows
from models.inputs.screens import Screens as Screens
from models.inputs.screens import Setting as Setting
from models.inputs.screens import approve as approve
from models.inputs.screens import folds as folds
from models.inputs.screens import held_out as held_out
from models.inputs.screens import read_training as read_training
from models.inputs.screens import tested_perturbations as tested_perturbations
