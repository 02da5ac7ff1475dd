"""What an evaluation of one setting tells besides its scores."""

from knowledge.schema import Frozen
from models.inputs.screens import Setting


class Facts(Frozen):
    """What the page tells.

    Attributes:
        setting: What the model had seen.
        ablation_note: How families of features were left out, empty where none was.
        withheld: By line, official test rows whose label is withheld.
        test_rows: By line, all official test rows.
    """

    setting: Setting
    ablation_note: str
    withheld: dict[str, int]
    test_rows: dict[str, int]
