# Sourced by the other scripts: system packages and the virtual environment, each only where something is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# need_packages PACKAGE=PROBE ...: installs the Debian packages whose probe (a command or a file) is absent.
need_packages() {
  local missing=() entry package probe
  for entry in "$@"; do
    package=${entry%%=*} probe=${entry#*=}
    command -v "$probe" >/dev/null 2>&1 || [ -e "$probe" ] || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null 2>&1 && [ -t 0 ]; then
      sudo=(sudo)
    else
      echo "Missing system packages. As root, type:  apt-get install -y ${missing[*]}" >&2
      exit 1
    fi
  fi
  command -v apt-get >/dev/null 2>&1 || { echo "Missing: ${missing[*]}. Install them with your system's package manager." >&2; exit 1; }
  echo "Installing system packages: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

need_python() {
  need_packages python3=python3
  if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "Python 3.11 or newer is needed; this is $(python3 --version). Debian 12 and newer have it." >&2
    exit 1
  fi
  python3 -c 'import venv, ensurepip' 2>/dev/null || need_packages python3-venv=/none
}

# need_venv EXTRAS: .venv holds the project and the extras, in the versions of requirements.lock.
need_venv() {
  local wanted
  wanted="$1 $(cat pyproject.toml requirements.lock | sha256sum | cut -d' ' -f1)"
  [ -x .venv/bin/python ] || { echo "Making the virtual environment .venv"; python3 -m venv .venv; rm -f .venv/ready-*; }
  [ "$(cat ".venv/ready-$1" 2>/dev/null)" = "$wanted" ] && return 0
  echo "Installing Python packages into .venv ($1)"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable ".[$1]"
  echo "$wanted" > ".venv/ready-$1"
}
