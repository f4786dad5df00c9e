"""Finds the edges in each image below /pfs/images and writes them under the same name to /pfs/out."""

from pathlib import Path

from PIL import Image, ImageChops, ImageFilter

INPUT = Path("/pfs/images")
OUTPUT = Path("/pfs/out")


def sobel(values):
    """One direction of the Sobel operator; the offset keeps negative slopes, which would be cut off at zero."""
    return ImageFilter.Kernel((3, 3), values, scale=8, offset=128)


def edges(image):
    gray = image.convert("L")
    middle = Image.new("L", gray.size, 128)
    across = ImageChops.difference(gray.filter(sobel((-1, 0, 1, -2, 0, 2, -1, 0, 1))), middle)
    down = ImageChops.difference(gray.filter(sobel((-1, -2, -1, 0, 0, 0, 1, 2, 1))), middle)
    # The outermost pixels have no neighbours to compare with, and a filter leaves them as they were.
    strength = ImageChops.lighter(across, down).crop((1, 1, gray.width - 1, gray.height - 1))
    result = Image.new("L", gray.size, 0)
    result.paste(strength.point(lambda value: 255 if value > 6 else 0), (1, 1))
    return result


for path in sorted(INPUT.rglob("*.png")):
    target = OUTPUT / path.relative_to(INPUT)
    target.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(path) as image:
        edges(image).save(target)
    print(f"edges of {path.name}")
