"""The fetched data sets, as data; nothing heavy is imported here."""

from __future__ import annotations

from genai_core.plugins.specs import DataFile, DatasetSpec

GCOMPRIS, MATE, OPENCV, SKIMAGE = "gcompris-qt-data", "mate-backgrounds", "opencv-doc", "scikit-image"

_SIZES = {
    "categorization.rcc": (3256117, "984852ac8377a224c94e26a5bc8a13d0a589612030902c6d76c14509fef3c984"),
    "details.rcc": (1966838, "555de36db64bf67bbc35a3cc9308cedfcffc6c1273a69285467a572c20963b85"),
    "erase.rcc": (3741816, "0c92974491a4a4e90bebe79156720122adaf084b2e2fcc4513ce6907c3e14d6b"),
    "explore_farm_animals.rcc": (878460, "1d17b5eb6c72b3a26aa37d6767fbeaf5a943064602c82b2d9c21ba006f748ba8"),
    "explore_monuments.rcc": (3709974, "337878371e443f7401d4fe4798c88dde44569953bf5fa8f2738d45be4ec59ab1"),
    "explore_world_animals.rcc": (
        1533714,
        "85599f387a1f0da48d8e9e4502e6ef1ba9e826391bc4d6feb3b1f614d2d0ebdd",
    ),
    "explore_world_music.rcc": (3197817, "e95b9b7aaa52d4b029c7161b4ff945ff6e1743f96cee47beb413b07e763f9207"),
    "paintings.rcc": (2301016, "1276d4f9c26f94ec130833c03bea5185f61b4f986df6981182cdb1be69e9db98"),
    "starry_night.jpg": (302901, "accda7a19a90f22a4a922fdc8c230167d7abf5f80882171e2cee125c5f12481d"),
    "Aqua.jpg": (200353, "5c30118205982da441bf7e6a1ada636a8a0be879408140b3148280c665ed6bce"),
    "Blinds.jpg": (1157513, "f7aac0dcc2e06d0491643e84df3da1d9db7c4610f58806a880d56e074799f600"),
    "Dune.jpg": (1021283, "8a67c2cb0be8c46b70c237311a4fa4d2b4ac7d39568135384787801fa5cc9a91"),
    "FreshFlower.jpg": (80905, "972b0a0c4e5e3fa93f4f244fc84bc64b121a5eac3aaa5856f1308c1f38a02f8e"),
    "Garden.jpg": (264831, "d3095ee09d425ef23d27155412136cf14fc3c9af76ca58b452f55e23da324e78"),
    "GreenMeadow.jpg": (183377, "8fa0de0aa4089f7319c9fb7a6d006d4cab6023e8c8853731557cff53567b4832"),
    "LadyBird.jpg": (351588, "e35a9a4126ef969c90b29c038058c5a575a20eadd84106a37bf1fa9931e7b61d"),
    "RainDrops.jpg": (1242241, "3e4ea9671c28c90a86cf67b3db9daf18c4741587c596333a7529ca589aaa0c16"),
    "Storm.jpg": (695070, "77ca53077831d3237f73393a91fc879158abc046d852941c26e90de336356957"),
    "TwoWings.jpg": (881400, "665e5abf8a5399070a91a9a8e455fe071e5b61697ff78fdeda4e9843ef545aeb"),
    "Wood.jpg": (525520, "19c78500ac00a622e19907ab9cc7d06d46fe08c4a6142759a84195696150ec07"),
    "YellowFlower.jpg": (267440, "254da96256acb7add685679775a04d1e4a5bc8cd13e5a5a3d61351ce198a5306"),
    "astronaut.png": (791555, "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5"),
    "chelsea.png": (240512, "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb"),
    "coffee.png": (466706, "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7"),
    "rocket.jpg": (112525, "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c"),
}

# Of each package the version, the folder in it, and the sha1 under which Debian's archive keeps it for good.
_DEBIAN = {
    GCOMPRIS: ("3.1-2", "usr/share/gcompris-qt/rcc", "f433b8d87377cd9c6a5f8f929011230dc49ca033"),
    MATE: ("1.26.0-1", "usr/share/backgrounds/mate/nature", "00dc62fcfd2f45c98fe8ee348a333d43c053faca"),
    OPENCV: (
        "4.6.0+dfsg-12",
        "usr/share/doc/opencv-doc/examples/data",
        "7419f26569e08df97f93afc25cee39865194b2a6",
    ),
}


def _files(package: str, *names: str) -> tuple[DataFile, ...]:
    if package == SKIMAGE:
        places = [f"pypi:{package}=={version}#skimage/data" for version in ("0.26.0", "0.25.2")]
    else:
        version, folder, sha1 = _DEBIAN[package]
        archive = f"https://snapshot.debian.org/file/{sha1}"
        places = [f"deb:{package}={version}#{folder}", f"{archive}#{folder}"]
    return tuple(
        DataFile(
            name=name,
            size=_SIZES[name][0],
            sha256=_SIZES[name][1],
            sources=tuple(f"{place}/{name}" for place in places),
        )
        for name in names
    )


PAINTINGS = DatasetSpec(
    name="paintings",
    summary="30 paintings and prints, Bellini to Kandinsky, ten of them for tests",
    modality="image",
    factory="genai_style.sets.paintings:paintings",
    origin="fetched",
    licence="GPL-3.0-or-later AND Apache-2.0",
    citation="works in the public domain; pictures: GCompris (2023), WebMuseum; OpenCV samples",
    files=_files(GCOMPRIS, "paintings.rcc", "details.rcc") + _files(OPENCV, "starry_night.jpg"),
)

PHOTOS = DatasetSpec(
    name="photos",
    summary="282 photos of animals, buildings, things and nature, 32 of them for tests",
    modality="image",
    factory="genai_style.sets.photos:photos",
    origin="fetched",
    licence="CC-BY-SA-4.0 AND CC-BY-4.0 AND CC-BY-3.0 AND CC-BY-2.0 AND CC0-1.0 AND GPL-2.0-or-later",
    citation="GCompris (2023), Wikimedia Commons; MATE; van der Walt et al., PeerJ 2:e453 (2014)",
    files=(
        *_files(GCOMPRIS, "erase.rcc", "explore_monuments.rcc", "explore_world_animals.rcc"),
        *_files(GCOMPRIS, "explore_farm_animals.rcc", "explore_world_music.rcc"),
        *_files(GCOMPRIS, "categorization.rcc", "details.rcc"),
        *_files(MATE, *(name for name in _SIZES if name[0].isupper())),
        *_files(SKIMAGE, "astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"),
    ),
)
