LC_ALL=C
export LC_ALL
mkdir -p "$1" && cd "$1" || exit 91
whole() {
    [ -f "$2" ] && [ "$(wc -c <"$2")" -eq "$1" ]
}
mkdir -p "$2" || exit 91
# What has this hash may have been kept under another name.
for there in "$2/$3" "$2"/*; do
    whole "$4" "$there" || continue
    if [ "$there" = "$2/$3" ] || ln -f "$there" "$2/$3" 2>/dev/null; then
        echo kept
        exit 0
    fi
done
part=".$2.$$"
# The part goes last: where none is left, nothing is.
trap 'rmdir "$2" 2>/dev/null; rm -rf "$part"' EXIT
trap 'exit 92' HUP INT TERM PIPE
mkdir "$part" || exit 91
echo send
if ! cat >"$part/$3"; then
    rm -f "$part/$3"
    echo "free $(df -P -k . | { read -r head; read -r name blocks used free rest; echo "$free"; })"
    exit 92
fi
# A connection that drops looks like the end of the file.
size=$(wc -c <"$part/$3")
if [ "$size" -ne "$4" ]; then
    echo "only $size of $4 B came" >&2
    exit 92
fi
if command -v sha256sum >/dev/null; then
    sum=$(sha256sum <"$part/$3")
    if [ "${sum%% *}" != "$2" ]; then
        echo "it came changed" >&2
        exit 92
    fi
fi
chmod 755 "$part/$3" || exit 91
mkdir -p "$2" && mv -f "$part/$3" "$2/$3" || exit 92
