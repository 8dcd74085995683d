exec 3<&0
echo "edgefit begins"
"$@" </dev/null 3<&- &
run=$!
# The end of stdin is the end of the connection.
(
    while read -r line; do :; done
    kill "$run"
) <&3 >/dev/null 2>&1 &
watch=$!
exec 3<&-
wait "$run"
code=$?
kill "$watch" 2>/dev/null
exit "$code"
