"""The image model that was commanded: a copy of its folder under `model`, by the hash of its model.yaml.

That file names network and golden pictures by their hashes, so it stands for the whole folder. Whoever commands a model
puts it there first, and it is tried there, in a process of its own: making a session holds the interpreter's lock for
longer than a heartbeat allows.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from station.core.events import StagedModel
from station.journal.files import sync_file, sync_folder
from station.vision import ModelError, ModelFolder, load_model

FOLDER = "model"
MOST_STAGED = 5
_SPEC = "model.yaml"
_TRIED_WITHIN_S = 60.0
_NICE = 10


def release_of(folder: Path) -> str:
    """SHA-256 of its model.yaml.

    Raises:
        ModelError: it cannot be read.
    """
    try:
        return hashlib.sha256((folder / _SPEC).read_bytes()).hexdigest()
    except OSError as error:
        raise ModelError(f"{folder / _SPEC} cannot be read ({error.strerror}): name a model folder") from error


def stage_model(data: Path, folder: Path) -> str:
    """Put a copy of a model folder there, durable and whole, once it has passed its test; its release.

    Raises:
        ModelError: it cannot be used, or too many lie there.
        OSError: it cannot be written.
    """
    model = load_model(folder)
    release, place = model.release, data / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    target = place / release
    if target.exists():
        return release
    if len([path for path in place.iterdir() if not path.suffix]) >= MOST_STAGED:
        raise ModelError(f"{MOST_STAGED} models lie in {place} already: remove one that is not needed any more")
    partial = target.with_suffix(".part")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "golden").mkdir(parents=True)
    files = {_SPEC: model.text, "model.onnx": model.onnx}
    files |= {f"golden/{name}": content for name, content in model.golden.items()}
    for name, content in files.items():
        (partial / name).write_bytes(content)
        sync_file(partial / name)
    sync_folder(partial / "golden")
    sync_folder(partial)
    partial.rename(target)
    sync_folder(place)
    return release


def take_up(configured: Path, data: Path, left: str) -> tuple[ModelFolder, str]:
    """The model of release `left`; the configured one where that is "" or cannot be used, and then why.

    Raises:
        ModelError: not even the configured one can be used.
    """
    if not left:
        return load_model(configured), ""
    try:
        return load_model(_staged(data, left)), ""
    except ModelError as error:
        again = f"{configured} is used in its place: give the model again with `station model`"
        return load_model(configured), f"the model that was commanded last cannot be used: {error}; {again}"


@dataclass(slots=True)
class Releases:
    """The models that a running station can be given.

    Attributes:
        configured: the release of the model that its YAML names.
        running: of the one in use.
        labels: that its policy names: a model must know them all.
        start_again: called once a change is on disk.
    """

    data: Path
    configured: str
    running: str
    labels: Collection[str]
    start_again: Callable[[], None]
    _trial: subprocess.Popen[str] | None = None

    def take(self, release: str) -> None:
        """It is the one that counts now, and the journal says so."""
        if release != self.running:
            self.start_again()

    def tried(self, release: str) -> StagedModel:
        """A model that lies there and has just passed its test; takes seconds.

        Raises:
            ModelError: it is not there, is damaged, fails, or does not know what the policy names.
        """
        folder = _staged(self.data, release)
        command = [sys.executable, "-m", "station.releases", str(folder)]
        try:
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as self._trial:
                try:
                    told = json.loads(self._trial.communicate(timeout=_TRIED_WITHIN_S)[0])
                finally:
                    self._trial.kill()
        except subprocess.TimeoutExpired as error:
            raise ModelError(f"{folder}: no result of its test within {_TRIED_WITHIN_S:g} s") from error
        except (OSError, ValueError) as error:
            raise ModelError(f"{folder}: its test could not be run to its end: {error}") from error
        if told["fault"]:
            raise ModelError(told["fault"])
        if unknown := sorted(set(self.labels) - set(told["classes"])):
            raise ModelError(f"the policy names {', '.join(unknown)}; the model knows {', '.join(told['classes'])}")
        return StagedModel(release, told["sha256"], self.configured)

    def end(self) -> None:
        """Let no trial hold up an end."""
        if self._trial is not None:
            self._trial.kill()


def _staged(data: Path, release: str) -> Path:
    folder = data / FOLDER / release
    if release_of(folder) != release:
        raise ModelError(f"{folder / _SPEC} is damaged: give the model again")
    return folder


def _try(folder: Path) -> dict[str, object]:
    try:
        model = load_model(folder)
    except ModelError as error:
        return {"fault": str(error)}
    return {"fault": "", "sha256": model.sha256, "classes": model.classes}


if __name__ == "__main__":
    os.nice(_NICE)
    print(json.dumps(_try(Path(sys.argv[1]))))  # noqa: T201 - `Releases.tried` reads it
