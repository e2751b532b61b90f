# Keeps one Kafka server for the tests: obeys orders on stdin, a word a line, and answers each with the same word.
# Arguments: the command that formats the storage, and the command that serves.
# The pipe on stdin closes when the test process ends, however it ends, and the server ends with it.
trap '' INT PIPE

serve() {
  sh -c "exec $2" >&2 </dev/null &
  server=$!
}

sh -c "$1" >&2 </dev/null || exit 1
serve "$@"
echo start
while read -r order; do
  case $order in
    start) serve "$@" ;;
    stop) kill -TERM "$server"; wait "$server" 2>/dev/null ;;
    kill) kill -KILL "$server"; wait "$server" 2>/dev/null ;;
  esac
  echo "$order"
done
kill -KILL "$server" 2>/dev/null
