# What the scripts share. Sourced, never run. No state, no side effects at load but ROOT and RUN_DIR.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PREFIX=${VELTRIX_PREFIX:-/opt/veltrix}

# The comment at the top of the calling script is its manual.
usage() { awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$0"; }

fail() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }
bad_usage() { printf '%s: %s (see --help)\n' "${0##*/}" "$*" >&2; exit 2; }
