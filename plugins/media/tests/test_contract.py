"""Everything genai promises its users about a plugin, checked for media."""

from __future__ import annotations

import numpy as np
from PIL import ImageCms

from genai_core.testing import contract_suite
from genai_media.image import Image
from genai_media.video import Video

# Blocks of 8 x 8 in greys and in colours that JPEG keeps to the bit, so that what holds for exact formats can
# be asked of all of them.
COLOURS = np.array(
    [[[0, 0, 0], [255, 255, 255], [128, 128, 128]], [[77, 77, 77], [200, 200, 200], [9, 9, 9]]]
)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
EXAMPLE = Image(COLOURS.astype(np.uint8).repeat(8, axis=0).repeat(8, axis=1), PROFILE)

# For films: greys that every codec keeps, black and the white of VP9.
FILM = Video.from_frames((np.full((16, 16, 3), grey, np.uint8) for grey in (0, 0, 0)), 10)

TestContract = contract_suite("media", artifacts={"image": EXAMPLE, "video": FILM})
