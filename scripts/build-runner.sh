#!/usr/bin/env bash
# Builds edgefit's runner for a board: scripts/build-runner.sh [aarch64|x86_64]
#
# The runner goes to where `edgefit bench --remote` finds it, the folder `runners` of edgefit's cache.
# Where rustc has the standard library of the board (`rustup target add aarch64-unknown-linux-gnu`), that
# is used. Where it has not, Debian's own rustc does it: its packages are fetched by apt-get, held against
# the hashes below and unpacked into the cache; nothing of them is installed. The C compiler for the board
# is Debian's gcc-aarch64-linux-gnu.
set -euo pipefail
cd "$(dirname "$0")/.."

arch=${1:-aarch64}
case $arch in
    aarch64 | x86_64) ;;
    *)
        echo "error: no runner is built for '$arch'; give aarch64 or x86_64" >&2
        exit 2
        ;;
esac
target=$arch-unknown-linux-gnu
cache=${EDGEFIT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/edgefit}

# Package, version, architecture, SHA-256.
packages() {
    cat <<'END'
rustc-web 1.96.0+dfsg1-1~deb12u2 amd64 8fefe1d6377fe4082f5a9d2a47e095e2d20319eaab9754bd2f0275155c9adf90
libstd-rust-web-1.96 1.96.0+dfsg1-1~deb12u2 amd64 3755f30434ae29574c91b0beb86632bee401607b0ac35c3e52810f9a53fae0d1
libstd-rust-web-dev 1.96.0+dfsg1-1~deb12u2 amd64 e38dbeaaad673fc63fb47c5140cf34da271ac71c3ecafc828b762c2fb01fe77a
libstd-rust-web-dev 1.96.0+dfsg1-1~deb12u2 arm64 02419380801b9f61391294823659b17b90f7a863ca3bbccb9140d2f0f8a2c910
libllvm22 1:22.1.8-1~deb12u1 amd64 729ec3e943d320515c2bbdc96acfffd7ce34861e62bd5c42726bf586d644dfe2
END
}

# A rustc of Debian's, unpacked into the folder $1.
fetch_debian_rustc() {
    local folder=$1 part lists options package version architecture hash file
    part=$(mktemp -d "$cache/.fetching-XXXXXX")
    trap 'rm -rf "$part"' EXIT
    lists=$part/apt
    mkdir -p "$lists/lists/partial" "$lists/archives/partial" "$lists/parts" "$part/debs" "$part/root"
    # Where this system gets Debian's packages from, without what else it may know.
    for own in /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources; do
        [ ! -f "$own" ] || cp "$own" "$lists/parts/"
    done
    options=(
        --quiet --option=Dir::State="$lists" --option=Dir::Cache="$lists"
        --option=Dir::State::status=/var/lib/dpkg/status
        --option=Dir::Etc::sourcelist=/dev/null --option=Dir::Etc::sourceparts="$lists/parts"
        --option=APT::Architectures::=amd64 --option=APT::Architectures::=arm64
        --option=APT::Sandbox::User=root --option=Debug::NoLocking=true
    )
    apt-get "${options[@]}" update >&2
    while read -r package version architecture hash; do
        (cd "$part/debs" && apt-get "${options[@]}" download "$package:$architecture=$version" >&2) || {
            echo "error: Debian has no $package $version any more; put the present version and its SHA-256 into $0" >&2
            exit 2
        }
        file=$(echo "$part/debs/$package"_*_"$architecture.deb")
        echo "$hash  $file" | sha256sum --check --quiet >&2
        dpkg-deb --extract "$file" "$part/root"
    done < <(packages)
    # Its libraries lie in folders of their own.
    cat >"$part/root/rustc" <<'END'
#!/bin/sh
root=$(dirname "$(readlink -f "$0")")
LD_LIBRARY_PATH=$root/usr/lib/x86_64-linux-gnu:$root/usr/lib/llvm-22/lib exec "$root/usr/bin/rustc" "$@"
END
    chmod 755 "$part/root/rustc"
    mv "$part/root" "$folder"
    rm -rf "$part"
    trap - EXIT
}

if [ -d "$(rustc --print sysroot)/lib/rustlib/$target" ]; then
    echo "using $(rustc --version)" >&2
else
    debian=$cache/debian-rustc-1.96
    mkdir -p "$cache"
    [ -d "$debian" ] || fetch_debian_rustc "$debian"
    export RUSTC=$debian/rustc
    echo "using Debian's $("$RUSTC" --version)" >&2
fi
if [ "$arch" != "$(uname -m)" ]; then
    gcc=$arch-linux-gnu-gcc
    command -v "$gcc" >/dev/null || {
        echo "error: $gcc is not there; install Debian's gcc-$arch-linux-gnu" >&2
        exit 2
    }
    variable=$(echo "$target" | tr a-z- A-Z_)
    export "CARGO_TARGET_${variable}_LINKER=$gcc" "CC_${target//-/_}=$gcc"
fi

folder=${CARGO_TARGET_DIR:-target}
# It aborts at a panic, so nothing reads tables of how to unwind.
cargo build --config "target.$target.rustflags=['-Cforce-unwind-tables=no']" --profile runner --locked --package edgefit --bin edgefit \
    --no-default-features --features runner --target "$target"
runner=$cache/runners/edgefit-runner-$arch
mkdir -p "$cache/runners"
cp "$folder/$target/runner/edgefit" "$runner.part"
mv "$runner.part" "$runner"
echo "$runner: $(stat -c %s "$runner") B"
