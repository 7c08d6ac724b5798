# Sourced by the tests: writes the table as zeekml does, beside its place and renamed over it.

now=$(date +%s)

# row ID SECONDS_FROM_NOW NOTE ORIG_H PROTO RESP_P MSG
row() {
    printf '%s\t%s\tPortScan\t0.990000\t-\t3\t3600.000000\t1700000000.000000\tC%s\t%s\t40000\t198.51.100.7\t%s\t%s\t-\t198.51.100.7,2001:db8::7\t23/tcp,icmp\t%s\tscore=0.990\t%s.000000\n' \
        "$1" "$3" "$1" "$4" "$6" "$5" "$7" "$((now + $2))"
}

# table PATH, the rows on standard input
table() {
    {
        printf '#fields\tid\tnote\tkind\tscore\tevidence\tn\tsuppress_for\tts\tuid\torig_h\torig_p\tresp_h\tresp_p\tproto\tservice\tevidence_peers\tevidence_ports\tmsg\tsub\twritten\n'
        cat
    } > "$1.part"
    mv "$1.part" "$1"
}

# appears PATH: waits for a file
appears() {
    for _ in $(seq 150); do
        [ -e "$1" ] && return 0
        sleep 0.2
    done
    echo "no $1 within 30 s" >&2
    return 1
}
