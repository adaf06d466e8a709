#!/bin/sh
# Makes the virtual environment: `environment.sh run` for using cryptoelt, `environment.sh test` for its tests too.
# Does nothing when the environment is as the pinned requirements say. Uses uv where it is present, else pip.
set -eu

kind=$1
root=$(cd "$(dirname "$0")/.." && pwd)
venv=${VENV:-$root/.venv}
case $kind in
    run) requirements=requirements.txt ;;
    test) requirements=requirements-dev.txt ;;
    *) echo "error: environment.sh run|test" >&2; exit 2 ;;
esac

fail() {
    echo "error: $1" >&2
    exit 7
}

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

python_hint() {
    sudo=sudo\ 
    [ "$(id -u)" = 0 ] && sudo=
    if command -v apt-get >/dev/null; then
        echo "install it with \`${sudo}apt-get update && ${sudo}apt-get install -y $1\`"
    elif command -v dnf >/dev/null; then
        echo "install it with \`${sudo}dnf install -y python3.12\`"
    elif command -v brew >/dev/null; then
        echo 'install it with `brew install python@3.12`'
    else
        echo 'install it, or name one: `make PYTHON=/path/to/python3`'
    fi
}

find_python() {
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if new_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    found=$(${PYTHON:-python3} -c 'import platform; print(platform.python_version())' 2>/dev/null || echo missing)
    fail "Python 3.11 or newer is needed, ${PYTHON:-python3} is $found: $(python_hint 'python3.11 python3.11-venv')"
}

python=$(find_python)
# Java comes first: without it the minute that the packages take would be lost.
PYTHONPATH=$root "$python" -m cryptoelt.machine.java

# What the environment should be: its place and interpreter on one line, the pinned files on the next.
wanted=$("$python" - "$venv" "$root" "$requirements" <<'END'
import hashlib, pathlib, sys
venv, root, requirements = sys.argv[1:]
digest = hashlib.sha256()
for name in ("pyproject.toml", "requirements-build.txt", requirements, "scripts/environment.sh"):
    digest.update(pathlib.Path(root, name).read_bytes())
print(f"{venv} {root} {sys.version_info[0]}.{sys.version_info[1]}\n{digest.hexdigest()}")
END
)
stamp=$venv/.cryptoelt-$kind
if [ -x "$venv/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && "$venv/bin/python" -c ''; then
    exit 0
fi

started=$(date +%s)
if command -v uv >/dev/null 2>&1; then tool=uv; else tool=pip; fi
place=$(echo "$wanted" | head -n 1)
if [ "$(cat "$venv/.cryptoelt-place" 2>/dev/null)" != "$place" ] || ! "$venv/bin/python" -c '' 2>/dev/null; then
    if [ -e "$venv" ] && [ ! -e "$venv/pyvenv.cfg" ] && [ -n "$(ls -A "$venv")" ]; then
        fail "$venv is not a virtual environment: remove it, or choose another place with \`make VENV=...\`"
    fi
    echo "environment: $venv, with $("$python" --version) and $tool"
    rm -rf "$venv"
    if [ $tool = uv ]; then
        uv venv --quiet --python "$python" "$venv"
    else
        "$python" -m venv "$venv" >/dev/null ||
            fail "$python cannot make virtual environments: $(python_hint python3-venv)"
    fi
    echo "$place" >"$venv/.cryptoelt-place"
fi

install() {
    if [ $tool = uv ]; then
        uv pip install --quiet --compile-bytecode --python "$venv/bin/python" "$@"
    else
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input "$@"
    fi
}

export PIP_USE_PEP517=1 # an old pip would else install pyspark in its own old way, and say so at length
cd "$root"
rm -f "$stamp"
# pyspark and cryptoelt are built here, with these pinned tools: an isolated build would fetch its own, unpinned.
echo "environment: build tools"
install --require-hashes --only-binary :all: -r requirements-build.txt
echo "environment: packages of $requirements (pyspark alone has 450 MB: about a minute)"
install --require-hashes --no-build-isolation -r "$requirements"
install --no-deps --no-build-isolation -e .
echo "$wanted" >"$stamp"
echo "environment: ready in $(($(date +%s) - started)) s"
