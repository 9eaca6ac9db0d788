"""The image model that was commanded: a copy of its folder under `model`, by the hash of its model.yaml.

That file names network and golden pictures by their hashes, so it stands for the whole folder. Whoever commands a model
puts it there first, and it is tried there, in a process of its own: making a session holds the interpreter's lock for
longer than a heartbeat allows.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from station.core.events import StagedModel
from station.core.policy import beyond_the_model
from station.journal.files import sync_file, sync_folder
from station.vision import NOT_SHOWN, Detector, ModelError, ModelFolder, load_detector, trial
from station.vision.load import read_model

FOLDER = "model"
MOST_STAGED = 5
_SPEC = "model.yaml"
_TRIED = "tried.txt"


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
        ModelError: it cannot be used, no golden picture shows that it sees, or too many lie there.
        OSError: it cannot be written.
    """
    trial.try_out(folder)
    model = read_model(folder)
    _check_proof(model)
    release, place = model.release, data / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    target = place / release
    if target.exists():
        with contextlib.suppress(ModelError):
            if read_model(target).release == release:
                return release
        shutil.rmtree(target)
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


def check_thresholds(thresholds: Mapping[str, float], model: ModelFolder) -> None:
    """Refuse a model, or a policy, where the policy names what the model would never find, or not by such a score.

    Raises:
        ModelError: says what, and what the model knows.
    """
    if unknown := sorted(set(thresholds) - set(model.words)):
        raise ModelError(f"policy.thresholds names {', '.join(unknown)}; the model knows {', '.join(model.words)}")
    if wrong := beyond_the_model(thresholds, model.spec.decode.floor):
        raise ModelError(f"policy.thresholds: {wrong}")


def take_up(configured: Path, data: Path, left: str, threads: int = 1) -> tuple[Detector, str]:
    """The model of release `left`, tried and ready; the configured one where that is "" or cannot be used, and why.

    Raises:
        ModelError: not even the configured one can be used.
    """
    if not left:
        return _proven(configured, data, threads), ""
    try:
        return load_detector(_staged(data, left), threads), ""
    except ModelError as error:
        again = f"{configured} is used in its place: give the model again with `station model use`"
        return _proven(configured, data, threads), f"the model that was commanded last cannot be used: {error}; {again}"


def _proven(configured: Path, data: Path, threads: int) -> Detector:
    """The model that the configuration names; one that was never tried with this runtime here is tried apart first.

    Raises:
        ModelError: it cannot be used.
    """
    tried, now = data / FOLDER / _TRIED, f"{release_of(configured)} onnxruntime {version('onnxruntime')}"
    before = b""
    with contextlib.suppress(OSError):
        before = tried.read_bytes()
    if before != now.encode():
        trial.try_out(configured)
        with contextlib.suppress(OSError):
            tried.parent.mkdir(parents=True, exist_ok=True)
            tried.write_bytes(now.encode())
    return load_detector(configured, threads)


@dataclass(slots=True)
class Releases:
    """The models that a running station can be given.

    Attributes:
        configured: the release of the model that its YAML names.
        running: of the one in use.
        thresholds: that its policy names: a model must know their labels, and report such scores.
        start_again: called once a change is on disk.
    """

    data: Path
    configured: str
    running: str
    thresholds: Mapping[str, float]
    start_again: Callable[[], None]
    _trial: subprocess.Popen[str] | None = None

    def take(self, release: str) -> None:
        """It is the one that counts now, and the journal says so."""
        if release != self.running:
            self.start_again()

    def tried(self, release: str) -> StagedModel:
        """A model that lies there and has just passed its test; takes seconds.

        Raises:
            ModelError: it is not there, is damaged, fails, does not know what the policy names, or no golden picture
                shows that it sees.
        """
        folder = _staged(self.data, release)
        try:
            with subprocess.Popen(trial.command(folder), stdout=subprocess.PIPE, text=True) as self._trial:
                try:
                    text = self._trial.communicate(timeout=trial.WITHIN_S)[0]
                finally:
                    self._trial.kill()
        except subprocess.TimeoutExpired as error:
            raise ModelError(f"{folder}: no result of its test within {trial.WITHIN_S:g} s") from error
        except OSError as error:
            raise ModelError(f"{folder}: its test could not be run to its end: {error}") from error
        sha256, _ = trial.told(folder, text)
        model = read_model(folder)
        check_thresholds(self.thresholds, model)
        _check_proof(model)
        return StagedModel(release, sha256, self.configured)

    def end(self) -> None:
        """Let no trial hold up an end."""
        if self._trial is not None:
            self._trial.kill()


def _check_proof(model: ModelFolder) -> None:
    """Refuse a model with which a running station would inspect everything."""
    if not model.shown:
        raise ModelError(f"{model.path}: {NOT_SHOWN}")


def _staged(data: Path, release: str) -> Path:
    folder = data / FOLDER / release
    if release_of(folder) != release:
        raise ModelError(f"{folder / _SPEC} is damaged: give the model again")
    return folder
