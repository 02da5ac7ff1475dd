"""What the parts of an analysis of pictures hand to each other."""

from typing import Literal

from knowledge.schema import Frozen

NUCLEI = ("dna", "hoechst", "dapi", "draq5", "nuclei", "nucleus", "nuclear", "h2b")
"""Names that the channel of nuclei goes by."""
Role = Literal["control", "perturbed"]


class Plane(Frozen):
    """Where one channel of one field lies.

    Attributes:
        path: File, or OME-Zarr folder.
        index: Which channel of the file; -1 where the file holds one.
    """

    path: str
    index: int = -1


class Field(Frozen):
    """One place of a well that was photographed.

    Attributes:
        plate: Its plate.
        well: Such as `A03`.
        site: Number of the place within the well.
        planes: Channel -> where it lies.
    """

    plate: str
    well: str
    site: int
    planes: dict[str, Plane]

    @property
    def name(self) -> str:
        """Return what its files are called."""
        return f"{self.plate}_{self.well}_{self.site}"


class Well(Frozen):
    """What a well of the map holds.

    Attributes:
        plate: Its plate; empty where the map holds for every plate.
        well: Such as `A03`.
        perturbation: As the map has it.
        role: Whether it is a control.
    """

    plate: str
    well: str
    perturbation: str
    role: Role


class Plates(Frozen):
    """Fields that can be analysed, what each well holds, and what is to be known of them.

    Attributes:
        fields: By plate, well and site.
        wells: (plate, well) of every field, with what it holds.
        channels: Of every field, the nuclei first.
        notes: What was left out or read in an unusual way, each a sentence.
    """

    fields: tuple[Field, ...]
    wells: tuple[Well, ...]
    channels: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def plates(self) -> tuple[str, ...]:
        """Return the names of the plates."""
        return tuple(sorted({field.plate for field in self.fields}))

    def well(self, plate: str, well: str) -> Well:
        """Return what a well holds."""
        return next(one for one in self.wells if (one.plate, one.well) == (plate, well))
