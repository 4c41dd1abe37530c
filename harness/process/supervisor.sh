# The supervisor of one child; see supervisor.rs. Arguments: ending, mark,
# descriptors to close, PATH for its own commands, directory to remove,
# program and its arguments. Descriptor 9 is the lead, 8 the report.
_mh_ending=$1 _mh_mark=$2 _mh_extra=$3 _mh_path=$4 _mh_dir=$5
shift 5

# A shell gives a background command an empty standard input unless told.
exec 7<&0
if [ "$_mh_ending" != afterwards ]; then
    # Forks of the child replace the zeros by a number of their own; see forks.py.
    MIGRATION_HARNESS_LEASH=$_mh_mark-000000000000 "$@" <&7 7<&- 8>&- 9<&- &
    _mh_child=$!
fi
# Nothing of the child's stays open here: its end must be seen by its readers.
exec 7<&- </dev/null >/dev/null 2>&1
for _mh_fd in $_mh_extra; do eval "exec $_mh_fd>&-"; done
PATH=$_mh_path
export PATH

if [ "$_mh_ending" = afterwards ]; then
    echo "pid $$" >&8
    trap '' PIPE
    trap : HUP INT TERM
    read -r _mh_word <&9
    [ "$_mh_word" = keep ] && exit 0
    "$@"
    # Somebody killed the harness while the thing was still being made: once more.
    if [ "$_mh_word" != end ]; then sleep 1; "$@"; fi
    [ -n "$_mh_dir" ] && rm -rf -- "$_mh_dir"
    echo done >&8
    exit 0
fi

_mh_end_child() {
    if [ "$_mh_ending" = quit ]; then
        # Before the signal: the child may end, and TERM come, at once.
        sleep 5 &
        _mh_sleep=$!
        trap 'kill $_mh_sleep; wait; exit 0' TERM
        kill -QUIT "$_mh_child"
        wait "$_mh_sleep"
    fi
    kill -KILL "$_mh_child"
}

(
    exec 8>&-
    read -r _mh_word <&9
    # Sent after the process id was reported, so the trap below is set.
    if [ "$_mh_word" = keep ]; then kill -USR1 $$; exit 0; fi
    _mh_end_child
) &
_mh_watcher=$!
# Not before the watcher was forked: a signal to it could get lost in a trap
# that is not its own.
trap 'exit 0' USR1
# Nobody reads the report once the harness is gone.
trap '' PIPE
trap '(_mh_end_child) &' HUP INT TERM
echo "pid $_mh_child" >&8

# A signal interrupts `wait`, the child's end finishes it.
while :; do
    wait "$_mh_child"
    _mh_status=$?
    kill -0 "$_mh_child" || break
done
kill "$_mh_watcher"
wait "$_mh_watcher"
echo "exit $_mh_status" >&8

read -r _mh_word <&9
[ "$_mh_word" = keep ] && exit 0
# Whoever left the process group still carries the mark (Linux only).
if [ "$_mh_ending" = kill ]; then
    for _mh_round in 1 2 3; do
        _mh_found=$(grep -l -s -a "MIGRATION_HARNESS_LEASH=$_mh_mark" /proc/[0-9]*/environ)
        [ -n "$_mh_found" ] || break
        for _mh_file in $_mh_found; do
            # Looked at again: since then it may have ended, and its id be another's.
            grep -q -s -a "MIGRATION_HARNESS_LEASH=$_mh_mark" "$_mh_file" || continue
            _mh_file=${_mh_file#/proc/}
            kill -KILL "${_mh_file%/environ}"
        done
    done
fi
# A postmaster that was killed leaves a System V segment; see postmaster.rs.
if [ "$_mh_ending" = quit ] && [ -f "$_mh_dir/data/postmaster.pid" ]; then
    set -- $(sed -n 7p "$_mh_dir/data/postmaster.pid")
    [ -n "$2" ] && ipcrm -m "$2"
fi
[ -n "$_mh_dir" ] && rm -rf -- "$_mh_dir"
echo done >&8
kill -KILL 0
