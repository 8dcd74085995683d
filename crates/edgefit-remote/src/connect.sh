LC_ALL=C
export LC_ALL
for tool in cat chmod df env mkdir mv rm uname wc; do
    command -v "$tool" >/dev/null || { echo "$tool" >&2; exit 90; }
done
folder=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/edgefit/remote}
case $folder in
    '~') folder=$HOME ;;
    '~/'*) folder=$HOME/${folder#??} ;;
esac
echo "system $(uname -s)"
echo "machine $(uname -m)"
# A 64-bit kernel may have 32-bit programs: the shell is one of them, and byte 5 of it tells.
bits=64
[ "$(getconf LONG_BIT 2>/dev/null)" != 32 ] || bits=32
case $(dpkg --print-architecture 2>/dev/null) in
    armhf | armel | i386) bits=32 ;;
esac
class=$(dd bs=5 count=1 </proc/self/exe 2>/dev/null)
[ "$class" != "$(printf '\177ELF\001')" ] || bits=32
echo "bits $bits"
echo "folder $folder"
mkdir -p "$folder" || exit 91
