"""Puts each image of /pfs/images beside its edges from /pfs/edges, one row each, into /pfs/out/montage.png."""

from pathlib import Path

from PIL import Image

IMAGES = Path("/pfs/images")
EDGES = Path("/pfs/edges")
TILE = 96
MARGIN = 4
BACKGROUND = (135, 206, 235)


def tile(path):
    """Returns the image at its own size in the middle of a square tile; one that is larger is made to fit."""
    square = Image.new("RGB", (TILE, TILE), BACKGROUND)
    with Image.open(path) as image:
        picture = image.convert("RGB")
    if picture.width > TILE or picture.height > TILE:
        picture.thumbnail((TILE, TILE))
    square.paste(picture, ((TILE - picture.width) // 2, (TILE - picture.height) // 2))
    return square


names = sorted(path.relative_to(IMAGES) for path in IMAGES.rglob("*.png"))
pairs = [name for name in names if (EDGES / name).exists()]
step = TILE + MARGIN
montage = Image.new("RGB", (2 * step + MARGIN, len(pairs) * step + MARGIN), BACKGROUND)
for row, name in enumerate(pairs):
    montage.paste(tile(IMAGES / name), (MARGIN, MARGIN + row * step))
    montage.paste(tile(EDGES / name), (MARGIN + step, MARGIN + row * step))
montage.save("/pfs/out/montage.png")
print(f"montage of {len(pairs)} images")
