[ -f "$1" ] || exit 93
shift
exec 3<&0
"$@" </dev/null 3<&- &
run=$!
# The end of stdin is the end of the connection.
(
    while read -r line; do :; done
    kill "$run"
    exit 94
) <&3 >/dev/null 2>&1 &
watch=$!
exec 3<&-
wait "$run"
code=$?
kill "$watch" 2>/dev/null
wait "$watch" 2>/dev/null
[ "$?" -ne 94 ] || code=94
exit "$code"
